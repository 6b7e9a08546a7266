"""A run that waits is nobody's: processes die, decisions come at any moment, nothing is lost."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from rest_framework.test import APIClient

from accounts.models import User
from audit.verification import verify
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.approvals.desk import Desk, approval, later, letter, two_at_once
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import events_of, leases_run_out, live_and_die, take_up, types_of
from tests.factories.accounts import UserFactory
from workflows.engine.pausing import ApprovalQuestion
from workflows.models import Approval, WorkflowExecution
from workflows.progress import apply, empty
from workflows.services.executions import request_cancel
from workflows.tracking.leases import claim
from workflows.tracking.past import past_of
from workflows.tracking.tracker import WorkflowTracker
from workflows.tracking.writer import GroupCommitWriter

ASKED_BETWEEN_TWO_MODELS = graph(
    asks(),
    approval(),
    asks(node="after"),
    edges=["start>model", "model>ask", "ask.approved>after", "after>end"],
)
QUESTION = ApprovalQuestion(node="ask", visit=1, question="Send it?", shown="a letter")


def assert_whole(pk: str) -> None:
    """Nothing was told twice, asked twice or paid twice, and rows and log agree."""
    events = events_of(pk)
    named = ("node", "visit", "call", "attempt", "offset")
    said = Counter((e["type"], *(e["data"].get(name) for name in named)) for e in events)
    assert [one for one, times in said.items() if times > 1] == []
    execution = WorkflowExecution.objects.get(pk=pk)
    assert reduce(apply, events, empty())["status"] == execution.status
    assert not Approval.objects.filter(execution=pk, status="pending").exists()
    assert list(all_differences()) == []
    assert verify().ok


@pytest.mark.parametrize("order", [("one", "other"), ("other", "one")])
def test_two_are_asked_at_once_and_decided_in_any_order(
    desk: Desk, drain: Callable[[], None], order: tuple[str, str]
) -> None:
    pk = desk.begin(two_at_once())
    drain()
    assert len(desk.run(pk)["approvals"]) == 2
    desk.approve(order[0])
    drain()
    run = desk.run(pk)
    assert (run["status"], [one["node"] for one in run["approvals"]]) == ("waiting", [order[1]])
    desk.approve(order[1])
    drain()
    assert desk.run(pk)["output"]["text"] == "one: alice\n\nother: alice"
    assert types_of(pk).count("execution.waiting") == 2
    assert_whole(pk)


def test_both_may_be_decided_before_anybody_takes_it_up(
    desk: Desk, drain: Callable[[], None]
) -> None:
    pk = desk.begin(two_at_once())
    drain()
    desk.approve("one")
    desk.approve("other")
    drain()
    assert desk.run(pk)["status"] == "completed"
    assert types_of(pk).count("execution.waiting") == 1
    assert_whole(pk)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 1), (2, 0), (2, 1), (2, 2)])
def test_a_process_may_die_while_it_asks_and_while_it_goes_on(
    desk: Desk, first: int, second: int
) -> None:
    pk = desk.begin(ASKED_BETWEEN_TWO_MODELS)
    assert live_and_die(after_commits=first) == (first < 2)
    take_up()
    assert desk.run(pk)["status"] == "waiting"
    assert Approval.objects.count() == 1
    desk.approve(comment="go on")
    assert live_and_die(after_commits=second) == (second < 2)
    take_up()
    assert desk.run(pk)["status"] == "completed"
    answered = ModelCall.objects.filter(status="succeeded").order_by("node")
    assert list(answered.values_list("node", flat=True)) == ["after", "model"]
    assert types_of(pk).count("approval.requested") == types_of(pk).count("approval.decided") == 1
    assert_whole(pk)


def test_who_decided_keeps_the_name_the_run_has_seen(
    desk: Desk, drain: Callable[[], None], api: Callable[..., APIClient]
) -> None:
    """A replay is to do the same, though its approver has gone since."""
    bob = UserFactory(username="bob")
    pk = desk.begin(two_at_once(approvers=["alice", "bob"]))
    drain()
    Desk(api(bob)).approve("one")
    drain()
    bob.delete()
    desk.approve("other")
    drain()
    assert desk.run(pk)["output"]["text"] == "one: bob\n\nother: alice"


def test_nothing_runs_while_it_waits(desk: Desk, drain: Callable[[], None]) -> None:
    pk = desk.begin(letter())
    drain()
    leases_run_out()
    assert claim("somebody", 10) == []
    row = WorkflowExecution.objects.get(pk=pk)
    assert (row.lease_owner, row.lease_expires_at, row.wakes_at) == ("", None, None)


def paused(pk: str, meanwhile: Callable[[], Any]) -> WorkflowExecution:
    """Something happens after the run has seen that it must wait, and before it does."""
    [execution] = claim("the owner", 1)

    async def scenario() -> None:
        past = await sync_to_async(past_of)(execution.pk)
        tracker = WorkflowTracker(execution, GroupCommitWriter(), past)
        tracker.start()
        assert await tracker.approvals.decision(QUESTION) is None
        await tracker.committed()
        await sync_to_async(meanwhile)()
        await tracker.pause()

    async_to_sync(scenario)()
    return WorkflowExecution.objects.get(pk=pk)


def test_a_decision_that_comes_just_before_the_pause_wakes_it(
    desk: Desk, drain: Callable[[], None]
) -> None:
    pk = desk.begin(letter())
    row = paused(pk, desk.approve)
    assert (row.status, row.wakes_at is None) == ("waiting", False)
    drain()
    assert desk.run(pk)["status"] == "completed"


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "before-it-waits"])
def test_a_decision_wakes_it_also_where_the_clock_is_behind(
    desk: Desk, drain: Callable[[], None], waits: bool
) -> None:
    """It is made on a server whose clock is ahead, or the clock has been put back since."""
    pk = desk.begin(letter())
    with later(minutes=10):
        if waits:
            drain()
            desk.approve()
        else:
            paused(pk, desk.approve)
    drain()
    assert desk.run(pk)["status"] == "completed"


def test_a_stop_that_is_asked_for_just_before_the_pause_is_not_forgotten(
    desk: Desk, drain: Callable[[], None], alice: User
) -> None:
    pk = desk.begin(letter())
    row = paused(pk, lambda: request_cancel(WorkflowExecution.objects.get().pk, by=alice))
    assert row.status == "waiting"
    drain()
    assert desk.run(pk)["status"] == "cancelled"
    assert_whole(pk)


def test_a_run_that_ends_otherwise_withdraws_what_it_asked(
    desk: Desk, drain: Callable[[], None]
) -> None:
    """One branch is rejected and has nowhere to go: the other question is open until it ends."""
    document = two_at_once()
    document["nodes"][2]["config"] |= {"deadline_s": 3600}
    pk = desk.begin(document)
    drain()
    Approval.objects.filter(node="other").update(deadline_at=_LONG_AGO)
    WorkflowExecution.objects.filter(pk=pk).update(wakes_at=_LONG_AGO)
    drain()
    run = desk.run(pk)
    assert (run["status"], run["error"]["code"]) == ("failed", "approval_expired")
    ended = dict(Approval.objects.values_list("node", "status"))
    assert ended == {"one": "withdrawn", "other": "expired"}
    assert_whole(pk)


def test_pauses_are_no_failed_attempts(desk: Desk, drain: Callable[[], None]) -> None:
    """A run may wait as often as it likes; one that dies again and again is given up."""
    pk = desk.begin(letter())
    drain()
    WorkflowExecution.objects.filter(pk=pk).update(attempt=500, pauses=500)
    desk.approve()
    drain()
    assert desk.run(pk)["status"] == "completed"


_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_each_item_of_a_map_is_decided_on_and_no_model_is_asked_again(
    desk: Desk, drain: Callable[[], None]
) -> None:
    each = {"id": "each", "type": "map", "config": {"items": "['one', 'two']"}}
    document = graph(
        each,
        asks(),
        approval(question="Send {{ nodes.each.item }}?"),
        edges=["start>each", "each.each>model", "model>ask", "ask.approved>each", "each.done>end"],
    )
    document["edges"].append({"source": "ask", "source_port": "rejected", "target": "each"})
    pk = desk.begin(document)
    drain()
    asked = {one["node"]: one["question"] for one in desk.run(pk)["approvals"]}
    assert asked == {"each[0]/ask": "Send one?", "each[1]/ask": "Send two?"}
    desk.approve("each[1]/ask")
    drain()
    assert desk.run(pk)["status"] == "waiting"
    desk.approve("each[0]/ask")
    drain()
    assert desk.run(pk)["status"] == "completed"
    assert ModelCall.objects.count() == 2
    assert_whole(pk)


def test_behind_the_handler_of_a_graph_somebody_may_be_asked(
    desk: Desk, drain: Callable[[], None]
) -> None:
    broken = {"id": "broken", "type": "prompt", "config": {"template": "{{ input.nowhere }}"}}
    handler = {"id": "handler", "type": "error_handler", "config": {"scope": "graph"}}
    document = graph(
        asks(),
        broken,
        handler,
        approval(question="Go on after {{ nodes.handler.node }}?"),
        {"id": "last", "type": "end", "config": {"output": "{{ nodes.model.text }}"}},
        edges=["start>model", "model>broken", "broken>end", "handler>ask", "ask.approved>last"],
    )
    pk = desk.begin(document)
    drain()
    assert desk.run(pk)["approvals"][0]["question"] == "Go on after broken?"
    desk.approve("ask")
    drain()
    told = desk.run(pk)
    assert (told["status"], bool(told["output"]["text"])) == ("completed", True)
    assert ModelCall.objects.count() == 1
    assert_whole(pk)
