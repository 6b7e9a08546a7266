"""One watcher's way through a log: live while it keeps up, else reading at its own pace.

A client that is behind never holds anything in this process but its place in the log: it is given a
page once it has taken the last one, and is live again when a page brought it up to date.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from django.conf import settings

from workflows.tracking.frames import Frame
from workflows.watching.feed import Batch, Feed, Hub, hub
from workflows.watching.logs import Log
from workflows.watching.patience import patiently
from workflows.watching.positions import Positions, Verdict

_AFTER_A_FAILURE_S = 1.0
_LOOKS_EVERY_S = 60.0  # a look at a series lets go of what is remembered of those long over


class Sink(Protocol):
    """Where one watcher's news go."""

    @property
    def ready(self) -> bool:
        """Whether it keeps up."""

    async def drained(self) -> None:
        """Return once it is ready again."""

    def place(self, positions: Positions, frame: Frame) -> str:
        """What to keep for going on after this frame, which was just noted; may be nothing."""

    def put(self, batch: Batch, places: Sequence[str]) -> None:
        """Take these, at once."""


class Subscription:
    def __init__(self, source: Log, positions: Positions, sink: Sink, feeds: Hub = hub) -> None:
        self.positions = positions
        self._source = source
        self._sink = sink
        self._feeds = feeds
        self._live = False
        self._over = False
        self._meanwhile: list[Frame] | None = None  # offered during a read; None: too much, or all
        self._behind = asyncio.Event()
        self.seq = 0

    async def run(self) -> None:
        """Until nothing follows. Raises NotFound when what is watched is gone."""
        while not self._over:
            feed = self._feeds.join(self._source, self)
            try:
                await feed.begun()
                await self._watch(feed)
            finally:
                feed.remove(self)

    def offer(self, batch: Batch) -> None:
        if self._live and self._sink.ready:
            self._hand_on(batch)
        elif self._live:
            self.look()
        elif self._meanwhile is not None:
            self._meanwhile.extend(batch.frames)
            if len(self._meanwhile) > settings.LIVE_BEHIND:
                self._meanwhile = None

    def look(self) -> None:
        self._live = False
        self._meanwhile = None
        self._behind.set()

    async def _watch(self, feed: Feed) -> None:
        while True:
            self._behind.clear()
            await self._catch_up()
            if not self._over and feed.alive:
                await self._while_it_keeps_up()
            if self._over:
                return
            if not feed.alive:
                await asyncio.sleep(_AFTER_A_FAILURE_S)
                return

    async def _while_it_keeps_up(self) -> None:
        try:
            async with asyncio.timeout(None if self._source.ends else _LOOKS_EVERY_S):
                await self._behind.wait()
        except TimeoutError:
            self.look()

    async def _catch_up(self) -> None:
        while not self._live:
            self._meanwhile = None
            await self._sink.drained()
            self._meanwhile = []
            page = await patiently(self._source.read, self.positions, settings.LIVE_BEHIND)
            meanwhile, self._meanwhile = self._meanwhile, None
            page.begin(self.positions)
            self._hand_on(Batch(page.frames))
            page.end(self.positions)
            if page.over:
                self._over = True
                return
            if not page.more and meanwhile is not None and self._sink.ready:
                self._live = True
                self._hand_on(Batch(meanwhile))

    def _hand_on(self, batch: Batch) -> None:
        """Put what comes next; a gap is read from the log."""
        news, places, whole = [], [], True
        for frame in batch.frames:
            verdict = self.positions.verdict(frame)
            if verdict is Verdict.NEXT:
                self.positions.note(frame)
                news.append(frame)
                places.append(self._sink.place(self.positions, frame))
                self.seq = frame.seq
            elif verdict is Verdict.GAP:
                whole = False
        if news:
            self._sink.put(batch if len(news) == len(batch.frames) else Batch(news), places)
            if news[-1].last and self._source.ends:
                self._over = True
                self._behind.set()
        if not whole:
            self.look()
