"""One tail of a log for all its watchers in this process: read once, made to text once.

The bell hands over what was committed; what it does not (long news of other processes, lost rings,
gaps) is read from the tables, once for all.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings

from core.events import Going, Listener, bell
from core.outlets import Parcel
from core.shared_task import shared_task
from workflows.tracking.frames import Frame, frame_from
from workflows.watching.logs import Log
from workflows.watching.patience import patiently
from workflows.watching.positions import Positions, Verdict

log = structlog.get_logger(__name__)
# One execution's next event shows what was lost before it; another's event shows nothing of it.
_BUSY_POLL_S = 1.0
_BEHIND = 16_384  # frames: a feed waits for no client, so what piles up is a loop that is busy


class Batch:
    """Consecutive news of a log; the texts that clients get are made once for each envelope."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self._parcels: dict[str, Parcel] = {}

    def parcel(self, envelope: str) -> Parcel:
        """Each frame's text within the envelope, in place of its `%`; an empty one is none."""
        made = self._parcels.get(envelope)
        if made is None:
            before, _, after = envelope.partition("%")
            made = Parcel([before + frame.text + after for frame in self.frames])
            self._parcels[envelope] = made
        return made


class Watcher(Protocol):
    """Both are called in the feed's loop, and must not wait."""

    def offer(self, batch: Batch) -> None:
        """Here are news, in order and without a gap since the feed began."""

    def look(self) -> None:
        """Look into the tables: the feed cannot go on."""


class Feed:
    """Lives as long as it has watchers."""

    def __init__(self, source: Log, ended: Callable[["Feed"], None]) -> None:
        self.source = source
        self._ended = ended
        self._watchers: set[Watcher] = set()
        loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[None] = loop.create_future()
        self._begun.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._task = shared_task(self._run())

    def add(self, watcher: Watcher) -> None:
        self._watchers.add(watcher)

    def remove(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        if not self._watchers:
            self._task.cancel()
            self._begun.cancel()
            self._ended(self)

    @property
    def alive(self) -> bool:
        return not self._task.done()

    async def begun(self) -> None:
        """Return once everything that is committed from now on will be offered."""
        await asyncio.shield(self._begun)

    async def _run(self) -> None:
        try:
            group = self.source.group
            with Listener(bell, group, read=frame_from, behind=_BEHIND) as listener:
                await listener.joined()
                positions = await patiently(self.source.present)
                self._begun.set_result(None)
                await self._tail(listener, positions)
        except asyncio.CancelledError:
            raise
        except Going as going:  # so do those who watch it, each by itself
            if not self._begun.done():
                self._begun.set_exception(going)
        except Exception as error:  # what is watched is gone, most likely: its watchers will see
            log.info("feed.ended", group=self.source.group, error=type(error).__name__)
            self._ended(self)
            if not self._begun.done():
                self._begun.set_exception(error)
            for watcher in list(self._watchers):
                watcher.look()

    async def _tail(self, listener: Listener, positions: Positions) -> None:
        clock, follows = asyncio.get_running_loop().time, True
        read_at = clock()
        while follows:
            handed = await listener.wait(settings.CHATTER_POLL_S)
            whole = self._hand_on(handed, positions)
            late = clock() - read_at >= max(settings.CHATTER_POLL_S, _BUSY_POLL_S)
            if not handed or not whole or listener.hinted or (late and not self.source.ends):
                follows = await self._read(positions)
                read_at = clock()

    def _hand_on(self, handed: Sequence[Frame], positions: Positions) -> bool:
        """Offer what comes next of what the bell handed over; False when something is lacking."""
        news, whole = [], True
        for frame in handed:
            verdict = positions.verdict(frame)
            if verdict is Verdict.NEXT:
                positions.note(frame)
                news.append(frame)
            elif verdict is Verdict.GAP:
                whole = False
        if news:
            self._offer(Batch(news))
        return whole

    async def _read(self, positions: Positions) -> bool:
        """Read and offer what there is; False when nothing will follow."""
        while True:
            page = await patiently(self.source.read, positions, settings.LIVE_BEHIND)
            page.begin(positions)
            self._hand_on(page.frames, positions)
            page.end(positions)
            if page.over or not page.more:
                return not page.over

    def _offer(self, batch: Batch) -> None:
        for watcher in list(self._watchers):
            watcher.offer(batch)


class Hub:
    """The feeds of this process, by event loop and group."""

    def __init__(self) -> None:
        self._feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Feed]] = (
            WeakKeyDictionary()
        )

    def join(self, source: Log, watcher: Watcher) -> Feed:
        feeds = self._feeds.setdefault(asyncio.get_running_loop(), {})
        feed = feeds.get(source.group)
        if feed is None:
            feed = feeds[source.group] = Feed(source, self._forget)
        feed.add(watcher)
        return feed

    def _forget(self, feed: Feed) -> None:
        feeds = self._feeds.get(asyncio.get_running_loop(), {})
        if feeds.get(feed.source.group) is feed:
            del feeds[feed.source.group]


hub = Hub()
