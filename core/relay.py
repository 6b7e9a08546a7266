"""One ear at the channel layer for each event loop: hears what other processes ring."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from core.shared_task import shared_task

log = structlog.get_logger(__name__)
THIS_PROCESS = uuid4().hex
_AGAIN_AFTER_S = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ring:
    """What is sent to other processes; not `whole` where it was too long to be sent."""

    texts: Sequence[str] = ()
    whole: bool = True


def message_of(group: str, ring: Ring) -> dict[str, Any]:
    """As the channel layer takes it."""
    return {
        "type": "rung",
        "group": group,
        "by": THIS_PROCESS,
        "texts": ring.texts,
        "whole": ring.whole,
    }


class Relay:
    """Joins a group when its first listener comes and leaves it with the last, over one channel.

    `heard` is called with the group that another process rang, or with None when anything may have
    been rung unheard. The relay's task ends when nobody listens any more.
    """

    def __init__(self, layer: Any, heard: Callable[[str | None, Ring], None]) -> None:
        self._layer = layer
        self._heard = heard
        self._wanted: Counter[str] = Counter()
        self._joined: set[str] = set()
        self._changed = asyncio.Event()
        self._arrived = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def add(self, group: str) -> None:
        self._wanted[group] += 1
        self._changed.set()
        if self.task is None or self.task.done():
            self.task = shared_task(self._serve())

    def remove(self, group: str) -> None:
        self._wanted[group] -= 1
        if self._wanted[group] <= 0:
            del self._wanted[group]
        self._changed.set()

    async def joined(self, group: str, timeout_s: float) -> None:
        """Return once what is rung in this group is heard, or after `timeout_s` all the same."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while group not in self._joined:
                    self._arrived.clear()
                    await self._arrived.wait()

    async def _serve(self) -> None:
        while self._wanted:
            try:
                await self._listen()
            except Exception:  # the layer only brings hints; watchers look for themselves meanwhile
                log.warning("bell.deaf", groups=len(self._wanted), exc_info=True)
                await asyncio.sleep(_AGAIN_AFTER_S)
            finally:
                self._joined.clear()

    async def _listen(self) -> None:
        channel = await _asked(self._layer.new_channel())
        hearing = asyncio.get_running_loop().create_task(self._hear(channel))
        hearing.add_done_callback(lambda _: self._changed.set())
        self._heard(None, Ring())
        try:
            while self._wanted and not hearing.done():
                self._changed.clear()
                await self._settle(channel)
                await self._changed.wait()
            if hearing.done():
                hearing.result()
            await self._settle(channel)
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError):
                await hearing

    async def _settle(self, channel: str) -> None:
        for group in set(self._wanted) - self._joined:
            await _asked(self._layer.group_add(group, channel))
            self._joined.add(group)
            self._arrived.set()
        for group in self._joined - set(self._wanted):
            self._joined.discard(group)
            await _asked(self._layer.group_discard(group, channel))

    async def _hear(self, channel: str) -> None:
        while self._wanted:
            message = await self._layer.receive(channel)
            if message.get("by") != THIS_PROCESS:
                ring = Ring(message.get("texts", ()), message.get("whole", False))
                self._heard(message.get("group"), ring)


async def _asked(question: Coroutine[Any, Any, T]) -> T:
    """The layer's answer. A cancel ends the wait for it: `asyncio.wait_for`, by which redis-py
    waits, can lose one, and the loop that is to close then waits for us for good.
    """
    return await asyncio.shield(question)
