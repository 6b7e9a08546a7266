"""Many write, fold and read at the same time, and nothing is counted twice or not at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_save

from accounts.models import User
from analytics.models import Rating, ReplyRating, RollupPart
from analytics.reports import reading
from analytics.reports.span import Span
from analytics.rollups import folding
from analytics.rollups.folding import fold, fold_if_free, fold_some
from analytics.rollups.recount import rollup_differences
from conversations.models import Message
from core import clock
from core.aggregates import all_differences
from core.locks import locked
from tests.definitions.graphs import asks, graph
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory
from tests.workers.backlog import until_someone_waits

WRITERS, CALLS = 4, 20
TOOLS = reading.Wanted(reading.SUBJECTS["tools"])


def total() -> int:
    return reading.total(TOOLS, Span.of({"range": "24h"})).sums[0]


# Threads have connections of their own, which see only what is committed. The SQLite of the tests
# lives in memory, where connections do not wait for one another; on disk one writes at a time.
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_writers_folders_and_readers_do_not_get_in_each_others_way(
    production_profile: None, alice: User
) -> None:
    def write() -> None:
        for _ in range(CALLS):
            ToolCallFactory(user=alice)

    def fold_on() -> None:
        for _ in range(CALLS):
            fold_if_free()

    def read() -> None:
        seen = 0
        for _ in range(CALLS):
            now = total()
            assert now >= seen
            seen = now

    with ThreadPoolExecutor(WRITERS + 4) as threads:
        work = [write] * WRITERS + [fold_on, fold_on, read, read]
        for done in [threads.submit(closing(one)) for one in work]:
            done.result()
    assert total() == WRITERS * CALLS
    assert list(rollup_differences()) == []


# The same: who deletes waits for who rates.
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["template", "message", "conversation"])
def test_what_is_deleted_while_it_is_rated_is_deleted_with_its_rating(
    production_profile, alice, api, built_in, drain, what
):
    client, rated = api(alice), Event()
    if what == "template":
        made = {"name": "Mine", "graph": graph(asks())}
        deleted = f"/api/v1/templates/{client.post('/api/v1/templates/', made).json()['id']}/"
        address, rating = f"{deleted}rating/", {"stars": 5}
    else:
        client.post("/api/v1/chat/", {"message": "Hello", "mode": "background"})
        drain()
        reply = Message.objects.get(role="assistant")
        talk = f"/api/v1/conversations/{reply.conversation_id}/"
        address, rating = f"{talk}messages/{reply.pk}/rating/", {"helpful": True}
        deleted = talk if what == "conversation" else f"{talk}messages/{reply.pk}/"

    def given(sender: Any, **_: Any) -> None:
        if sender in (Rating, ReplyRating):
            rated.set()
            until_someone_waits()

    def rate() -> None:
        assert api(alice).put(address, rating).status_code == 201

    post_save.connect(given)
    try:
        with ThreadPoolExecutor(1) as threads:
            done = threads.submit(closing(rate))
            assert rated.wait(30)
            assert client.delete(deleted).status_code == 204
            done.result()
    finally:
        post_save.disconnect(given)
    assert not (Rating.objects.exists() or ReplyRating.objects.exists())
    assert list(all_differences()) == []


# The same: what others commit between two reads of one answer is seen by connections of its own.
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_the_numbers_of_one_answer_agree_while_others_write(
    production_profile: None, alice: User, api: Any
) -> None:
    """As a report, and as what one user does; others add up what is written, too."""
    client, over = api(alice), Event()

    def write() -> None:
        ToolCallFactory(user=alice)

    def read() -> None:
        try:
            for _ in range(CALLS):
                told = client.get("/api/v1/analytics/tools/", {"by": "tool"}).json()
                calls = told["totals"]["calls"]
                for parts in (told["series"], told["groups"]):
                    assert sum(one["numbers"]["calls"] for one in parts) == calls
            activity = client.get(f"/api/v1/analytics/users/{alice.pk}/")
            assert activity.status_code == 200, activity.content
        finally:
            over.set()

    with ThreadPoolExecutor(WRITERS + 2) as threads:
        work = [read, *[until(over, act) for act in (fold_if_free, *[write] * WRITERS)]]
        for done in [threads.submit(closing(one)) for one in work]:
            done.result()


def until(over: Event, act: Callable[[], None]) -> Callable[[], None]:
    def go_on() -> None:
        while not over.is_set():
            act()

    return go_on


def closing(work: Callable[[], None]) -> Callable[[], None]:
    def worked() -> None:
        try:
            work()
        finally:
            connection.close()

    return worked


@pytest.mark.django_db
def test_what_is_folded_twice_is_counted_once(alice: User) -> None:
    ToolCallFactory(user=alice)
    for _ in range(2):
        fold()
    assert total() == 1
    assert not RollupPart.objects.exists()


@pytest.mark.django_db
def test_a_report_does_not_wait_for_what_happens_meanwhile(
    alice: User, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where something happens each time that numbers are added up."""
    left = [1] * CALLS

    def fold_and_go_on() -> int:
        folded = fold_some()
        left.pop()
        ToolCallFactory(user=alice)
        return folded

    monkeypatch.setattr(folding, "fold_some", fold_and_go_on)
    ToolCallFactory(user=alice)
    told = api(alice).get("/api/v1/analytics/tools/").json()
    assert told["totals"]["calls"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "calls"),
    [("models", CallFactory), ("tools", ToolCallFactory)],
    ids=["models", "tools"],
)
def test_a_figure_and_its_rows_agree_though_more_happens_while_it_is_reckoned(
    alice: User, api: Any, monkeypatch: pytest.MonkeyPatch, path: str, calls: Any
) -> None:
    """One call begins while others add up, and is counted; then one begins, and another is over."""
    under_way = calls(user=alice, status="open", settled_at=None)
    counted = [calls(user=alice)]

    @contextmanager
    def locked_at_last(name: str) -> Iterator[None]:
        counted.append(calls(user=alice, started_at=clock.now()))
        with locked(name):
            yield

    def fold_and_go_on() -> int:
        folded = fold_some()
        calls(user=alice, started_at=clock.now())
        under_way.status, under_way.settled_at = "succeeded", clock.now()
        under_way.save()
        return folded

    monkeypatch.setattr(folding, "locked", locked_at_last)
    monkeypatch.setattr(folding, "fold_some", fold_and_go_on)
    told = api(alice).get(f"/api/v1/analytics/{path}/").json()
    rows = api(alice).get(told["rows"]).json()["results"]
    assert told["totals"]["calls"] == len(counted) == 2
    assert {one["id"] for one in rows} == {str(one.pk) for one in counted}
