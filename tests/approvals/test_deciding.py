"""People decide how a run goes on: who is asked, what they may answer, and until when."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from audit.verification import verify
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.approvals.desk import APPROVALS, ONCE, Desk, approval, later, letter
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import events_of, types_of
from tests.factories.accounts import UserFactory
from workflows.models import Approval
from workflows.services.approvals import ApprovalOver, decide

FORM = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "minLength": 2},
        "copies": {"type": "integer", "minimum": 1},
    },
    "required": ["to", "copies"],
    "additionalProperties": False,
}


def test_a_run_waits_and_says_for_what(desk: Desk, asked: Callable[..., str]) -> None:
    pk = asked(question="Send '{{nodes.start.text}}'?", shows="A draft: {{text}}")
    [pending] = desk.run(pk)["approvals"]
    shown = desk.client.get(f"{APPROVALS}{pending['id']}/").json()
    assert shown["question"] == pending["question"] == "Send 'hello'?"
    assert shown["shown"].startswith("A draft: Hello!")
    assert (shown["node"], shown["visit"], shown["status"]) == ("ask", 1, "pending")
    assert (shown["execution"], shown["approvers"], shown["form"]) == (pk, [], None)
    requested, waiting = events_of(pk)[-2:]
    assert (requested["type"], waiting["type"]) == ("approval.requested", "execution.waiting")
    assert waiting["data"]["approvals"] == [requested["data"]]
    assert requested["data"]["approval"] == pending["id"]


def test_who_approves_lets_it_go_on_and_no_model_is_asked_again(
    desk: Desk, asked: Callable[..., str], drain: Callable[[], None], alice: User
) -> None:
    pk = asked()
    with later(days=3):
        desk.approve(comment="Good.")
        drain()
    run = desk.run(pk)
    assert (run["status"], run["output"]["text"]) == ("completed", "sent by alice: ")
    assert (run["approvals"], run["attempt"]) == ([], 2)
    assert ModelCall.objects.count() == run["totals"]["calls"] == 1
    assert run["waited_ms"] >= 3 * 24 * 3600 * 1000 > run["duration_ms"]
    types = types_of(pk)
    after = types[types.index("execution.waiting") :]
    assert after[:4] == [
        "execution.waiting",
        "execution.resumed",
        "approval.decided",
        "node.finished",
    ]
    entry = AuditEntry.objects.get(action="workflows.approval.decided")
    assert (entry.actor_id, entry.detail["decision"]) == (alice.pk, "approved")
    assert list(all_differences()) == []
    assert verify().ok


def test_who_rejects_sends_it_the_other_way(
    desk: Desk, asked: Callable[..., str], drain: Callable[[], None]
) -> None:
    pk = asked()
    told = desk.decide(desk.waiting("ask"), "reject", comment="Too long.")
    assert (told.json()["status"], told.json()["decided_by"]) == ("rejected", "alice")
    drain()
    assert desk.run(pk)["output"]["text"] == "rejected: Too long."


def test_an_answer_fits_the_form_or_all_that_is_wrong_is_told(
    desk: Desk, asked: Callable[..., str], drain: Callable[[], None]
) -> None:
    pk = asked(form=FORM)
    ask = desk.waiting("ask")
    assert desk.client.get(f"{APPROVALS}{ask}/").json()["form"] == FORM
    told = desk.decide(ask, answer={"to": "x", "copies": 0, "cc": "me"})
    assert (told.status_code, told.json()["code"]) == (400, "bad_answer")
    found = {(error["path"], error["code"]) for error in told.json()["detail"]["errors"]}
    assert found == {
        ("answer.to", "minLength"),
        ("answer.copies", "minimum"),
        ("answer", "additionalProperties"),
    }
    told = desk.decide(ask).json()
    assert told["code"] == "bad_answer"
    assert told["detail"]["errors"][0]["message"] == "null is not of type 'object'"
    assert desk.decide(ask, "reject", answer={"to": "bob"}).json()["code"] == "bad_answer"
    desk.approve(answer={"to": "bob", "copies": 2})
    drain()
    assert desk.run(pk)["output"]["text"] == 'sent by alice: {"copies": 2, "to": "bob"}'


def test_nobody_is_asked_more_than_anybody_reads(desk: Desk, drain: Callable[[], None]) -> None:
    desk.begin(letter(question="{{input.message}}"), "x" * 9_000)
    drain()
    [listed] = desk.client.get(APPROVALS).json()["results"]
    assert listed["question"] == "x" * 5_000 + "\n\n[4,000 more characters are not shown.]"


def test_no_pattern_of_a_form_is_tried_for_one_could_stop_the_server(
    desk: Desk, asked: Callable[..., str]
) -> None:
    slow, dialect = "^(a+)+$", "https://json-schema.org/draft/2020-12/schema"
    parts = {"to": {"pattern": slow}, "other": {"$schema": dialect, "pattern": slow}}
    asked(form={"type": "object", "properties": parts, "patternProperties": {slow: False}})
    desk.approve(answer={"to": "a" * 20 + "!", "other": "a" * 20 + "!", "aa": 1})


def test_without_a_form_there_is_no_answer(desk: Desk, asked: Callable[..., str]) -> None:
    asked()
    told = desk.decide(desk.waiting("ask"), answer="yes")
    assert told.json()["detail"]["errors"][0]["code"] == "no_form"
    for body in ({"decision": "maybe"}, {}, {"decision": "approve", "by": "ada"}):
        told = desk.client.post(f"{APPROVALS}{desk.waiting('ask')}/decide/", body)
        assert (told.status_code, told.json()["code"]) == (400, "invalid")


def test_a_stranger_sees_no_approval_and_decides_none(
    desk: Desk, asked: Callable[..., str], charlie: User, api: Callable[[User], APIClient]
) -> None:
    asked()
    stranger, ask = Desk(api(charlie)), desk.waiting("ask")
    assert stranger.waiting() == []
    for told in (stranger.client.get(f"{APPROVALS}{ask}/"), stranger.decide(ask)):
        assert (told.status_code, told.json()["code"]) == (404, "approval_not_found")
    assert desk.decide("nonsense").status_code == 404
    assert APIClient().get(APPROVALS).status_code == 401
    assert Approval.objects.get().status == "pending"


def test_who_is_named_decides_what_the_owner_may_only_look_at(
    desk: Desk, asked: Callable[..., str], drain: Callable[[], None], api: Callable[..., APIClient]
) -> None:
    editors = Group.objects.create(name="editors")
    bob, ella = UserFactory(username="bob"), UserFactory(username="ella")
    ella.groups.add(editors)
    pk = asked(approvers=["bob", "group:editors"])
    ask = desk.waiting("ask")
    told = desk.decide(ask)
    assert (told.status_code, told.json()["code"]) == (403, "not_an_approver")
    for approver in (bob, ella):
        assert Desk(api(approver)).waiting("ask") == ask
        assert api(approver).get(f"/api/v1/executions/{pk}/").status_code == 404
    assert Desk(api(ella)).decide(ask).status_code == 200
    drain()
    assert desk.run(pk)["output"]["text"] == "sent by ella: "


def test_who_has_left_a_group_is_not_asked_any_more(
    asked: Callable[..., str], api: Callable[..., APIClient]
) -> None:
    editors = Group.objects.create(name="editors")
    ella = UserFactory(username="ella")
    ella.groups.add(editors)
    asked(approvers=["group:editors"])
    assert len(Desk(api(ella)).waiting()) == 1
    ella.groups.clear()
    assert Desk(api(ella)).waiting() == []


def test_staff_may_decide_everything(
    asked: Callable[..., str], desk: Desk, admin: User, api: Callable[..., APIClient]
) -> None:
    asked()
    assert Desk(api(admin)).decide(desk.waiting("ask")).status_code == 200


def test_approvers_there_are_none_of_are_told_before_anything_runs(desk: Desk) -> None:
    document = letter(approvers=["alice", "nobody", "group:nobodies"])
    told = desk.client.post(ONCE, {"graph": document})
    issues = told.json()["detail"]["errors"]
    assert [(issue["code"], issue["path"]) for issue in issues] == [
        ("unknown_approver", "nodes[2].config.approvers[1]"),
        ("unknown_approver", "nodes[2].config.approvers[2]"),
    ]


@pytest.mark.parametrize(
    ("config", "status", "text"),
    [({}, "failed", None), ({"on_deadline": "reject"}, "completed", "expired: ")],
)
def test_a_deadline_passes_without_anybody_there(
    desk: Desk,
    asked: Callable[..., str],
    drain: Callable[[], None],
    config: dict[str, Any],
    status: str,
    text: str | None,
) -> None:
    pk = asked(deadline_s=3600, **config)
    drain()
    assert desk.run(pk)["status"] == "waiting"
    with later(minutes=61):
        assert desk.waiting() != []
        assert desk.run(pk)["approvals"] == []
        late = desk.decide(desk.waiting("ask"))
        assert (late.status_code, late.json()["code"]) == (409, "approval_over")
        drain()
        assert (run := desk.run(pk))["status"] == status
        assert run["output"] == (text and {"text": text, "variables": {}})
        assert (run["error"] or {}).get("code") == (None if text else "approval_expired")
        late = desk.decide(Approval.objects.get().pk)
        assert late.json()["detail"] == {"status": "expired"}
    assert types_of(pk).count("approval.decided") == 1
    assert verify().ok


def test_a_decision_in_the_last_moment_counts_and_the_trail_tells_of_no_end_of_its_time(
    desk: Desk, asked: Callable[..., str], drain: Callable[[], None]
) -> None:
    """It is made when the run has just read that nobody has decided, and the time is over."""
    pk = asked(deadline_s=3600)
    decided: list[Any] = []

    def decide_when_it_was_read(execute: Any, statement: str, *more: Any) -> Any:
        read = execute(statement, *more)
        if 'FROM "workflows_approval" LEFT OUTER JOIN' in statement and not decided:
            decided.append(Approval.objects.get().pk)
            with later(minutes=-2):
                assert desk.decide(decided[0]).status_code == 200
        return read

    with later(minutes=61), connection.execute_wrapper(decide_when_it_was_read):
        drain()
    assert desk.run(pk)["output"]["text"] == "sent by alice: "
    actions = AuditEntry.objects.filter(action__startswith="workflows.approval.")
    assert [*actions.values_list("action", flat=True)] == ["workflows.approval.decided"]


def test_of_two_decisions_the_first_counts(
    desk: Desk, asked: Callable[..., str], drain: Callable[[], None], alice: User
) -> None:
    """Both looked before either decided."""
    pk = asked()
    one, other = Approval.objects.get(), Approval.objects.get()
    decide(one, by=alice, approve=False, comment="no")
    with pytest.raises(ApprovalOver):
        decide(other, by=alice, approve=True)
    told = desk.decide(one.pk)
    assert (told.status_code, told.json()["detail"]) == (409, {"status": "rejected"})
    drain()
    assert desk.run(pk)["output"]["text"] == "rejected: no"


def test_each_visit_asks_anew(desk: Desk, drain: Callable[[], None]) -> None:
    document = graph(
        {"id": "loop", "type": "loop", "config": {"max_iterations": 2}},
        asks(),
        approval(question="Round {{nodes.loop.iteration}}?"),
        {
            "id": "note",
            "type": "variable",
            "config": {"name": "said", "operation": "append", "expression": "nodes.ask.comment"},
        },
        {"id": "all", "type": "prompt", "config": {"template": "{{variables.said}}"}},
        edges=[
            "start>loop",
            "loop.continue>model",
            "model>ask",
            "ask.approved>note",
            "note>loop",
            "loop.done>all",
            "all>end",
        ],
    )
    pk = desk.begin(document)
    for comment in ("first", "second"):
        drain()
        desk.approve(comment=comment)
    drain()
    assert desk.run(pk)["output"]["text"] == '["first", "second"]'
    rounds = Approval.objects.order_by("visit").values_list("visit", "question", "comment")
    assert list(rounds) == [(1, "Round 1?", "first"), (2, "Round 2?", "second")]
    assert ModelCall.objects.count() == 2
