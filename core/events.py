"""The bell: tells watchers that there is something to read. It may lose anything at any time.

Watchers are handed what was committed, so that they need not read it again: in this process by a
call, in others through the channel layer if it is short. Whatever a ring did not bring, they read
from the tables.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, Protocol
from weakref import WeakKeyDictionary, WeakSet

import structlog
from channels.layers import get_channel_layer

from core.relay import Relay, Ring, message_of

log = structlog.get_logger(__name__)
_SEND_TIMEOUT_S = 1.0
_SILENT_S = 1.0  # after a ring that was not carried: each costs a task and up to its timeout
_JOINS_WITHIN_S = 1.0
_BEHIND = 2_048
_CARRIED = 16_384  # characters of one ring that go through the channel layer


class Going(Exception):
    """Waiting ends here although nothing is wrong: the client should come back at once."""


class Piece(Protocol):
    """A piece of news; its text is all that there is to know."""

    @property
    def text(self) -> str: ...


class Listener:
    """One watcher's ear, used in the event loop it was made in.

    `wanted` says, in whichever thread rings, whether a piece is worth waking up for. `read` makes a
    piece of the text that another process sent. A listener without it, or more than `behind` pieces
    behind, is only told to read the tables.
    """

    def __init__(
        self,
        bell: "Bell",
        group: str,
        wanted: Callable[[Any], bool] | None = None,
        *,
        read: Callable[[str], Any] | None = None,
        behind: int = _BEHIND,
    ) -> None:
        self._bell = bell
        self._group = group
        self._wanted = wanted
        self._read = read
        self._behind = behind
        self._rung = asyncio.Event()
        self._pieces: list[Any] = []
        self._hinted = False
        self.hinted = False  # whether the last wait was told of more than it gives
        self._relay: Relay | None = None
        self.loop = asyncio.get_running_loop()

    def __enter__(self) -> "Listener":
        self._bell._add(self._group, self)
        self._relay = self._bell._relay_of(self.loop)
        if self._relay is not None:
            self._relay.add(self._group)
        return self

    def __exit__(self, *_: object) -> None:
        self._bell._remove(self._group, self)
        if self._relay is not None:
            self._relay.remove(self._group)
            self._relay = None

    async def joined(self) -> None:
        """Return once other processes are heard too; whoever reads then misses nothing."""
        if self._relay is not None:
            await self._relay.joined(self._group, _JOINS_WITHIN_S)

    async def wait(self, timeout_s: float) -> list[Any]:
        """What was rung in since the last call, after at most `timeout_s`; empty means: read.

        Raises Going once this loop is about to stop.
        """
        if not self._rung.is_set() and not self._bell.left_by(self.loop):
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._rung.wait()
        if self._bell.left_by(self.loop):
            raise Going
        self._rung.clear()
        pieces, self._pieces = self._pieces, []
        self.hinted, self._hinted = self._hinted, False
        return pieces

    def wants(self, pieces: Sequence[Any]) -> bool:
        return self._wanted is None or any(map(self._wanted, pieces))

    def hear(self, ring: Ring) -> None:
        """Another process rang; called in the listener's own loop."""
        pieces = [self._read(text) for text in ring.texts] if self._read is not None else []
        if not pieces or self.wants(pieces):
            self.wake(pieces)
            self._hinted = self._hinted or not ring.whole

    def wake(self, pieces: Sequence[Any]) -> None:
        """Called in the listener's own loop."""
        self._pieces.extend(pieces)
        self._hinted = self._hinted or not pieces
        if len(self._pieces) > self._behind:
            self._pieces.clear()
            self._hinted = True
        self._rung.set()


class Bell:
    """Listeners by group, held weakly: one that is dropped is gone. `ring` is for any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: dict[str, WeakSet[Listener]] = defaultdict(WeakSet)
        self._relays: WeakKeyDictionary[asyncio.AbstractEventLoop, Relay] = WeakKeyDictionary()
        self._leaving: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._carrier: asyncio.AbstractEventLoop | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._silent_until = 0.0

    def carry_through(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Name the loop that sends to the channel layer for threads without one."""
        self._carrier = loop

    def leave(self) -> None:
        """Nobody waits any longer in the loop that calls this: it is about to stop."""
        loop = asyncio.get_running_loop()
        self._leaving.add(loop)
        with self._lock:
            woken = [one for group in self._listeners.values() for one in group]
        for listener in woken:
            if listener.loop is loop:
                listener.wake(())

    def left_by(self, loop: asyncio.AbstractEventLoop) -> bool:
        return loop in self._leaving

    def ring(self, pieces_by_group: Mapping[str, Sequence[Piece]]) -> None:
        """Wake the listeners of each group and hand them the pieces; never raises, never waits."""
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Listener, Sequence[Any]]]] = {}
        with self._lock:
            for group, pieces in pieces_by_group.items():
                for listener in self._listeners.get(group, ()):
                    if listener.wants(pieces):
                        by_loop.setdefault(listener.loop, []).append((listener, pieces))
        for loop, calls in by_loop.items():
            with suppress(RuntimeError):  # a loop that has just closed
                loop.call_soon_threadsafe(_wake_all, calls)
        layer, carrier = get_channel_layer(), self._carrier
        if layer is None or carrier is None or self._silent_until > time.monotonic():
            return
        if pieces_by_group:
            rings = {group: _carried(pieces) for group, pieces in pieces_by_group.items()}
            with suppress(RuntimeError):
                carrier.call_soon_threadsafe(self._send_soon, layer, rings)

    def _send_soon(self, layer: Any, rings: Mapping[str, Ring]) -> None:
        task = asyncio.get_running_loop().create_task(self._send(layer, rings))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, layer: Any, rings: Mapping[str, Ring]) -> None:
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                for group, ring in rings.items():
                    await layer.group_send(group, message_of(group, ring))
        except Exception:  # the layer only brings what the tables have
            if self._silent_until < time.monotonic():
                log.warning("bell.not_carried", groups=len(rings), exc_info=True)
            self._silent_until = time.monotonic() + _SILENT_S

    def _relay_of(self, loop: asyncio.AbstractEventLoop) -> Relay | None:
        """The one ear of this loop at the channel layer; None without a layer."""
        layer = get_channel_layer()
        if layer is None:
            return None
        relay = self._relays.get(loop)
        if relay is None:
            relay = self._relays[loop] = Relay(layer, partial(self._heard, loop))
        return relay

    def _heard(self, loop: asyncio.AbstractEventLoop, group: str | None, ring: Ring) -> None:
        """Wake this loop's listeners of the group, or all of them; called in that loop."""
        with self._lock:
            groups = list(self._listeners) if group is None else [group]
            woken = [one for name in groups for one in self._listeners.get(name, ())]
        for listener in woken:
            if listener.loop is loop:
                listener.hear(ring)

    def _add(self, group: str, listener: Listener) -> None:
        with self._lock:
            self._listeners[group].add(listener)

    def _remove(self, group: str, listener: Listener) -> None:
        with self._lock:
            self._listeners[group].discard(listener)
            if not self._listeners[group]:
                del self._listeners[group]


def _carried(pieces: Sequence[Piece]) -> Ring:
    """The texts; if they are too long together, only the last, for those who wait for an end."""
    texts = [piece.text for piece in pieces]
    if sum(map(len, texts)) <= _CARRIED:
        return Ring(texts)
    return Ring([text for text in texts[-1:] if len(text) <= _CARRIED], whole=False)


def _wake_all(calls: list[tuple[Listener, Sequence[Any]]]) -> None:
    for listener, pieces in calls:
        listener.wake(pieces)


bell = Bell()
