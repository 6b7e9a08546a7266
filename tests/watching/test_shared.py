"""What is done once for all who watch is not told as done by who came first."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from analytics import dashboard
from audit.context import RequestContext, bound, current
from core.relay import Relay
from workflows.watching.feed import Feed

Told = Callable[[], None]


class Noting:
    """A channel layer, and a log, that note under which request they are asked."""

    group = "execution.shared"

    def __init__(self, note: Told) -> None:
        self._note = note

    async def new_channel(self) -> str:
        return self.present()

    def present(self) -> Any:
        self._note()
        raise LookupError


async def by_a_relay(note: Told) -> None:
    relay = Relay(Noting(note), lambda group, ring: None)
    relay.add("execution.shared")
    assert relay.task is not None
    await asyncio.wait([relay.task], timeout=0.1)
    relay.task.cancel()


async def by_a_feed(note: Told) -> None:
    feed = Feed(Noting(note), lambda feed: None)  # type: ignore[arg-type]
    with suppress(LookupError):
        await feed.begun()


async def by_a_board(note: Told) -> None:
    watching = asyncio.create_task(dashboard.Board().watch({}, lambda: None))
    await asyncio.sleep(0.1)
    watching.cancel()


@pytest.mark.parametrize("shared", [by_a_relay, by_a_feed, by_a_board])
def test_what_is_shared_is_done_under_nobodys_request(
    shared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_by = []

    def note() -> dict[str, Any]:
        asked_by.append(current().request_id)
        return {"at": "", "today": {"total_tokens": 0}}

    monkeypatch.setattr(dashboard, "counters", note)
    monkeypatch.setattr(dashboard, "EVERY_S", 0.01)

    async def first() -> None:
        with bound(RequestContext("of-who-came-first")):
            await shared(note)

    async_to_sync(first)()
    assert asked_by
    assert set(asked_by) == {""}
