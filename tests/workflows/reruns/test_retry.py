"""A run that failed goes on from the node that failed; what was answered is not paid again."""

import asyncio
from collections import Counter

import pytest
from asgiref.sync import async_to_sync

from conversations.services.turns import retry_execution
from core.models import new_id
from llms.models import ModelCall, ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph, waits
from tests.drills.models import GPT, GPT_TOO
from tests.drills.mortal import events_of, leases_run_out, live_and_die, logged, take_up
from tests.workflows.reruns.conftest import (
    ONCE,
    answered_by,
    assert_whole,
    repeated_in,
    text_in_log,
)
from tools.models import ToolCall
from workflows.engine.errors import NodeError
from workflows.models import Rerun, WorkflowExecution
from workflows.nodes.model import ModelNode
from workflows.registry import NODE_TYPES
from workflows.services.definitions import create_definition
from workflows.services.reruns import RerunRequest

TWO = "[[say=the second question]]"


def two_calls(**second):
    return graph(
        asks(node="first", model=GPT),
        asks(node="second", model=GPT_TOO, retry={"attempts": 1}, **second),
    )


@pytest.fixture
def failed(ran, wire):
    """Two calls, of which the second failed."""
    wire.script("fault=500", model="gpt-too", next=1)
    execution = ran(two_calls(), TWO)
    assert (execution.status, execution.error["node"]) == ("failed", "second")
    return execution


def test_a_retry_asks_only_what_failed(failed, again, asked):
    retry = again(failed, "retry")
    assert (retry.status, retry.retry_of_id) == ("completed", failed.pk)
    assert retry.output["text"].startswith("You asked: the second question")
    assert Counter(asked()) == {TWO: 1, "the second question": 2}
    assert answered_by(retry) == [
        ("first", 1, "succeeded", "recording"),
        ("second", 1, "succeeded", "provider"),
    ]


def test_its_log_is_its_own_and_whole(failed, again):
    retry = again(failed, "retry")
    events = events_of(retry)
    nodes = [event["data"]["node"] for event in events if event["type"] == "node.finished"]
    assert nodes == ["start", "first", "second", "end"]
    assert repeated_in(retry) == {"start", "first"}
    assert repeated_in(failed) == set()
    assert text_in_log(retry, "first") == "the second question"
    told = [event["data"] for event in events if event["type"] == "model.finished"]
    assert [(one["answered_by"], one["cost"] == "0") for one in told] == [
        ("recording", True),
        ("provider", False),
    ]
    assert events[0]["data"]["source"] == str(failed.pk)


def test_the_ledger_and_the_execution_say_so(failed, again, client):
    retry = again(failed, "retry")
    rows = client.get(f"/api/v1/model-calls/?execution={retry.pk}").json()["results"]
    second, first = rows
    source = ModelCall.objects.get(origin=failed.origin, node="first")
    assert (first["answered_by"], first["source_call"]) == ("recording", str(source.pk))
    assert (first["cost"], first["usage"]["total"], first["exactness"]) == ("0", 0, "metered")
    assert (second["answered_by"], second["source_call"]) == ("provider", None)
    shown = client.get(f"/api/v1/executions/{retry.pk}/").json()
    assert (shown["rerun"], shown["source"]) == ("retry", str(failed.pk))
    assert shown["totals"]["calls"] == 2
    assert shown["totals"]["cost"] == second["cost"]
    page = client.get(f"/executions/{retry.pk}/").content.decode()
    assert "from a recording" in page


def test_a_retry_of_a_retry_knows_who_was_really_asked(failed, again, asked, wire):
    wire.script("fault=500", model="gpt-too", next=1)
    second = again(failed, "retry")
    assert second.status == "failed"
    third = again(second, "retry")
    assert third.status == "completed"
    assert Counter(asked()) == {TWO: 1, "the second question": 3}


def test_only_what_failed_or_was_cancelled_is_tried_again(ran, wire, client):
    done = ran(graph(waits(0)))
    told = client.post(f"/api/v1/executions/{done.pk}/retry/")
    assert (told.status_code, told.json()["code"]) == (409, "nothing_failed")


@pytest.mark.parametrize("how", ["retry", "replay", "fork"])
def test_what_is_under_way_is_not_run_again(posted, client, how, built_in):
    execution = posted(ONCE, {"graph": graph(waits(0))})
    told = client.post(f"/api/v1/executions/{execution.pk}/{how}/", {**BODIES[how]})
    assert (told.status_code, told.json()["code"]) == (409, "execution_under_way")


BODIES = {"retry": {}, "replay": {}, "fork": {"node": "start"}}


@pytest.mark.parametrize("how", ["retry", "replay", "fork"])
def test_a_stranger_cannot_run_it_again(failed, api, charlie, how):
    told = api(charlie).post(f"/api/v1/executions/{failed.pk}/{how}/", BODIES[how])
    assert (told.status_code, told.json()["code"]) == (404, "not_found")
    assert WorkflowExecution.objects.count() == 1


@pytest.mark.parametrize("how", ["retry", "replay", "fork"])
def test_the_same_key_runs_it_again_once(failed, posted, how):
    key = {"headers": {"Idempotency-Key": "once more"}}
    address = f"/api/v1/executions/{failed.pk}/{how}/"
    first = posted(address, BODIES[how], **key)
    assert posted(address, BODIES[how], **key).pk == first.pk
    assert WorkflowExecution.objects.count() == 2


def test_a_model_that_was_not_asked_before_is_looked_up_anew(failed, client):
    ModelProfile.objects.filter(model="gpt-too").update(enabled=False)
    forget_profiles()
    told = client.post(f"/api/v1/executions/{failed.pk}/retry/")
    assert told.json()["code"] == "unknown_model"


# --- what failed is made anew, what was survived is not -------------------------------------------


def test_an_error_that_the_run_survived_is_repeated_and_not_asked_again(ran, again, wire, asked):
    nodes = [
        asks(node="first", model=GPT, retry={"attempts": 1}),
        {"id": "sorry", "type": "error_handler", "config": {"text": "instead"}},
        asks(node="last", model=GPT_TOO, retry={"attempts": 1}),
    ]
    edges = ["start>first", "first.error>sorry", "first>last", "sorry>last", "last>end"]
    wire.script("fault=400", next=1, model="gpt-test")
    wire.script("fault=400", next=1, model="gpt-too")
    failed = ran(graph(*nodes, edges=edges), "hello")
    assert failed.error["node"] == "last"
    retry = again(failed, "retry")
    assert retry.status == "completed"
    assert Counter(asked()) == {"hello": 1, "instead": 2}
    assert answered_by(retry) == [
        ("first", 1, "failed", "recording"),
        ("last", 1, "succeeded", "provider"),
    ]


class Meeting(ModelNode):
    """Until they are `over`, two of them fail at the same moment without having asked."""

    key = "meeting"

    def __init__(self):
        self.both, self.over = asyncio.Barrier(2), False

    async def run(self, config, inputs, visit):
        if not self.over:
            await self.both.wait()
            raise NodeError("met", "They met.")
        return await super().run(config, inputs, visit)


@pytest.fixture
def met(ran, built_in, monkeypatch):
    """A run that two branches failed at the same moment."""
    meeting = Meeting()
    monkeypatch.setitem(NODE_TYPES._by_key, "meeting", meeting)
    nodes = [{"id": name, "type": "meeting", "config": {}} for name in ("one", "two")]
    failed = ran(graph(*nodes, edges=["start>one", "start>two", "one>end", "two>end"]))
    ended = [event["data"]["node"] for event in events_of(failed) if event["type"] == "node.failed"]
    assert (len(ended), failed.error["node"]) == (2, ended[0])
    meeting.over = True
    return failed


def test_what_failed_at_the_same_moment_beside_it_is_made_anew_too(met, again):
    assert again(met, "retry").status == "completed"


def test_of_what_failed_at_the_same_moment_a_replay_tells_the_error_of_the_run(met, again):
    assert met.error["node"] == "two"
    assert again(met, "replay").error == met.error


@pytest.mark.parametrize("scope", ["edge", "graph"])
def test_every_try_of_a_node_that_failed_in_the_end_is_made_anew(ran, again, wire, asked, scope):
    config = {"scope": scope, "retries": 2, "wait_s": 0, "then": "fail"}
    nodes = [
        asks(node="model", model=GPT, retry={"attempts": 1}),
        {"id": "handler", "type": "error_handler", "config": config},
        {"id": "sorry", "type": "end"},
    ]
    edges = ["start>model", "model>end", "handler>sorry"]
    edges += ["model.error>handler"] if scope == "edge" else []
    wire.script("fault=500", next=3)
    failed = ran(graph(*nodes, edges=edges), "hello")
    assert (failed.status, failed.error["node"], len(asked())) == ("failed", "model", 3)
    retry = again(failed, "retry")
    assert (retry.status, len(asked())) == ("completed", 4)
    assert answered_by(retry) == [("model", 1, "succeeded", "provider")]


def test_what_the_handler_of_the_graph_said_of_the_old_error_is_said_anew_of_the_new(
    ran, again, wire, asked
):
    nodes = [
        asks(node="model", model=GPT, retry={"attempts": 1}),
        {"id": "h", "type": "error_handler", "config": {"scope": "graph", "then": "fail"}},
        {"id": "told", "type": "prompt", "config": {"template": "{{ nodes.h.code }}"}},
        asks(node="explains", model=GPT_TOO),
        {"id": "sorry", "type": "end"},
    ]
    edges = ["start>model", "model>end", "h>told", "told>explains", "explains>sorry"]
    wire.script("fault=500", model="gpt-test", next=1)
    failed = ran(graph(*nodes, edges=edges), "hello")
    assert (failed.error["node"], failed.error["code"]) == ("model", "provider_failed")
    wire.script("fault=400", model="gpt-test", next=1)
    retry = again(failed, "retry")
    assert retry.error["code"] == "provider_refused"
    assert asked() == ["hello", "provider_failed", "hello", "provider_refused"]
    assert repeated_in(retry) == {"start"}


def test_what_ran_on_beside_a_node_whose_error_ended_the_run_later_is_not_asked_again(
    ran, again, wire, asked
):
    nodes = [
        asks(node="model", model=GPT, retry={"attempts": 1}),
        {"id": "handler", "type": "error_handler", "config": {"then": "fail"}},
        waits(0.3),
        {"id": "more", "type": "prompt", "config": {"template": "more"}},
        asks(node="other", model=GPT_TOO),
    ]
    edges = ["start>model", "model.error>handler", "model>end", "handler>end"]
    edges += ["start>wait", "wait>more", "more>other", "other>end"]
    wire.script("fault=400", model="gpt-test", next=1)
    failed = ran(graph(*nodes, edges=edges), "hello")
    assert (failed.error["node"], asked()) == ("model", ["hello", "more"])
    assert again(failed, "retry").status == "completed"
    assert Counter(asked()) == {"hello": 2, "more": 1}


def test_an_answer_that_did_not_fit_is_asked_for_again(ran, again, wire, asked):
    """Nothing of it had failed but what it said."""
    ModelProfile.objects.update(capabilities=["text", "structured_output"])
    forget_profiles()
    schema = {"type": "object", "required": ["city"]}
    wire.script("say=no", next=2)
    failed = ran(graph(asks(model=GPT, output_schema=schema)), "Where?")
    assert failed.error["code"] == "answer_does_not_fit"
    wire.script('say={"city": "Oslo"}')
    retry = again(failed, "retry")
    assert (retry.status, retry.output["text"]) == ("completed", '{"city": "Oslo"}')
    assert len(asked()) == 3


def test_of_a_cancelled_run_what_was_answered_stays(posted, client, again, wire, asked):
    execution = posted(ONCE, {"graph": two_calls(), "input": {"message": TWO}})
    wire.script("fault=hang after=2", model="gpt-too", next=1)
    assert live_and_die(logged("text.delta", node="second"))
    WorkflowExecution.objects.filter(pk=execution.pk).update(status="pending", lease_owner="")
    assert client.post(f"/api/v1/executions/{execution.pk}/cancel/").status_code == 200
    execution.refresh_from_db()
    assert execution.status == "cancelled"
    retry = again(execution, "retry")
    assert retry.status == "completed"
    assert Counter(asked()) == {TWO: 1, "the second question": 2}


def test_a_delay_that_has_passed_is_not_waited_for_again(ran, again, wire):
    wire.script("fault=400", next=1)
    execution = ran(graph(waits(0.05), asks(model=GPT)), "hello")
    (before,) = _delays(execution)
    retry = again(execution, "retry")
    assert _delays(retry) == [before]


def _delays(execution):
    return [e["data"]["until"] for e in events_of(execution) if e["type"] == "delay.started"]


def test_tools_that_answered_are_not_called_again(ran, again, wire, asked):
    nodes = [
        asks(node="model", model=GPT, tools=["calculator"], retry={"attempts": 1}),
        {"id": "tools", "type": "tools"},
    ]
    edges = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
    tool = '[[tool=calculator {"expression": "6 * 7"}]]'
    wire.script(tool, next=1)
    wire.script("fault=500", next=1)
    failed = ran(graph(*nodes, edges=edges), "hello")
    assert failed.error["node"] == "model"
    retry = again(failed, "retry")
    assert retry.status == "completed"
    made, repeated = ToolCall.objects.order_by("id")
    assert (made.answered_by, repeated.answered_by) == ("tool", "recording")
    assert (repeated.source_call_id, repeated.text, repeated.origin) == (
        made.pk,
        "42",
        retry.origin,
    )
    assert repeated.latency_ms is None
    assert answered_by(retry)[0] == ("model", 1, "succeeded", "recording")
    assert len(asked()) == 3


# --- a process dies in the middle of a retry ------------------------------------------------------


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_process_may_die_after_any_commit_of_a_retry(failed, posted, asked, commits):
    retry = posted(f"/api/v1/executions/{failed.pk}/retry/")
    live_and_die(after_commits=commits)
    leases_run_out()
    take_up()
    retry.refresh_from_db()
    assert_whole(retry, "retry", failed)
    assert retry.status == "completed"
    assert asked().count(TWO) == 1
    rows = answered_by(retry)
    assert rows.count(("first", 1, "succeeded", "recording")) == 1
    assert rows.count(("second", 1, "succeeded", "provider")) == 1
    assert text_in_log(retry, "first") == "the second question"


# --- in a conversation ----------------------------------------------------------------------------


def test_a_retry_of_a_turn_joins_its_reply_to_the_turn_and_pays_nothing_twice(
    posted, client, alice, wire, asked
):
    definition = create_definition(owner=alice, name="two", graph=two_calls())
    wire.script("fault=500", model="gpt-too", next=1)
    failed = posted("/api/v1/chat/", {"message": TWO, "definition": str(definition.id)})
    take_up()
    retry = posted(f"/api/v1/executions/{failed.pk}/retry/")
    take_up()
    retry.refresh_from_db()
    assert (retry.status, retry.serial_key) == ("completed", failed.serial_key)
    assert Counter(asked()) == {TWO: 1, "the second question": 2}
    conversation = failed.serial_key.removeprefix("conversation:")
    messages = client.get(f"/api/v1/conversations/{conversation}/messages/").json()["results"]
    assert [(m["role"], m["status"]) for m in messages] == [
        ("user", "complete"),
        ("assistant", "failed"),
        ("assistant", "complete"),
    ]
    anew = posted(f"/api/v1/executions/{retry.pk}/retry/")
    take_up()
    anew.refresh_from_db()
    assert (anew.rerun, anew.source_id, anew.retry_of_id) == ("", None, retry.pk)
    assert Counter(asked()) == {TWO: 2, "the second question": 3}


def test_a_turn_that_is_tried_again_by_two_at_once_holds_up_nobody(posted, alice, charlie, api):
    turn = posted("/api/v1/chat/", {"message": "hello"})
    take_up()
    turn.refresh_from_db()

    async def at_once() -> None:
        wanted = [RerunRequest(new_id(), Rerun.RETRY, request_id=name) for name in ("one", "two")]
        await asyncio.gather(*(retry_execution(alice, turn, one) for one in wanted))

    async_to_sync(at_once)()
    api(charlie).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    take_up()
    take_up()
    assert [*WorkflowExecution.objects.values_list("status", flat=True)] == ["completed"] * 4


def test_what_a_template_answered_that_is_gone_is_not_answered_by_another(posted, client, wire):
    made = client.post("/api/v1/templates/", {"name": "Mine", "graph": graph(asks(model=GPT))})
    turn = posted("/api/v1/chat/", {"message": "hello", "template": made.json()["id"]})
    take_up()
    assert client.delete(f"/api/v1/templates/{made.json()['id']}/").status_code == 204
    told = client.post(f"/api/v1/executions/{turn.pk}/retry/")
    assert (told.status_code, told.json()["code"]) == (409, "target_gone")
    assert WorkflowExecution.objects.count() == 1
