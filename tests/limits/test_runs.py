"""Limits of run time, step time, steps and output: what ends a run, and what does not."""

from datetime import datetime, timedelta

import pytest

from core import clock
from tests.definitions.graphs import graph, waits
from tests.drills.mortal import events_of, leases_run_out, live_and_die, logged, types_of
from tests.limits.runs import calls_of, counts, ended_by, finished, outlasted, reached, rounds, says
from workflows.models import WorkflowExecution

MODEL = {"id": "model", "type": "model"}
HANG = "please hang"
HANDLED = graph(
    MODEL,
    {"id": "sorry", "type": "error_handler", "config": {"retries": 3, "text": "Sorry."}},
    edges=["start>model", "model>end", "model.error>sorry", "sorry>end"],
)


def test_a_run_is_ended_when_its_time_is_over_and_its_call_is_settled(begin):
    execution = outlasted(begin(graph(MODEL), HANG, run_time_s=60), "model.started", 61)
    told = ended_by(execution, "run_time")
    assert (told["most"], told["node"]) == (60, "")
    (call,) = calls_of(execution)
    assert (call.status, call.exactness) == ("cancelled", "estimated")
    assert execution.input_tokens == call.input_tokens > 0


def test_a_run_is_ended_when_its_time_ran_out_while_nobody_ran_it(begin):
    execution = begin(graph(MODEL), HANG, run_time_s=60)
    assert live_and_die(logged("model.started"))
    began = clock.now() - timedelta(seconds=61)
    WorkflowExecution.objects.filter(pk=execution.pk).update(started_at=began)
    ended_by(finished(execution), "run_time")
    assert [call.status for call in calls_of(execution)] == ["lost"]


def test_a_node_that_takes_too_long_leaves_by_its_error_port_and_is_not_tried_again(begin):
    execution = outlasted(begin(HANDLED, HANG, step_time_s=60), "model.started", 61)
    assert (execution.status, execution.output["text"]) == ("completed", "Sorry.")
    (told,) = reached(execution)
    assert (told["limit"], told["most"], told["node"], told["visit"]) == (
        *("step_time", 60),
        *("model", 1),
    )
    assert [call.status for call in calls_of(execution)] == ["cancelled"]
    assert types_of(execution).count("node.failed") == 1


def test_a_node_that_takes_too_long_ends_the_run_where_no_edge_takes_errors(begin):
    execution = outlasted(begin(graph(waits(900)), step_time_s=60), "delay.started", 61)
    ended_by(execution, "step_time", "wait")


def test_a_step_that_took_too_long_is_not_begun_anew_by_the_next_process(begin):
    slow = graph(
        MODEL,
        {"id": "sorry", "type": "error_handler"},
        waits(60),
        edges=["start>model", "model>end", "model.error>sorry", "sorry>wait", "wait>end"],
    )
    execution = begin(slow, HANG, step_time_s=0.2)
    assert live_and_die(logged("delay.started"))
    before = [call.pk for call in calls_of(execution)]
    finished(execution)
    assert [told["node"] for told in reached(execution)] == ["model", "wait"]
    assert [call.pk for call in calls_of(execution)] == before
    assert execution.error["code"] == "limit_step_time"


def test_time_at_a_step_adds_up_over_the_processes_that_were_at_it(begin):
    execution = begin(graph(waits(3000)), step_time_s=60)
    assert live_and_die(logged("delay.started"))
    started = next(
        one["at"]
        for one in events_of(execution)
        if (one["type"], one["data"].get("node")) == ("node.started", "wait")
    )
    earlier = (datetime.fromisoformat(started) - timedelta(seconds=61)).isoformat()
    for row in execution.events.all():
        row.frames = row.frames.replace(started, earlier)
        row.save()
    ended_by(finished(execution), "step_time", "wait")


@pytest.mark.parametrize("died", [False, True])
def test_visits_of_nodes_are_counted_over_the_whole_run(begin, died):
    execution = begin(rounds(9, *says(3), counts()), steps=9)
    if died:
        assert live_and_die(after_commits=2)
        leases_run_out()
    finished(execution)
    told = ended_by(execution, "steps", "loop")
    assert (told["most"], told["reached"], told["visit"]) == (9, 10, 3)
    assert types_of(execution).count("node.started") == 9
    assert [call.status for call in calls_of(execution) if call.status != "lost"] == [
        "succeeded"
    ] * 2


def test_branches_at_the_same_time_are_one_run(begin):
    branches = [counts(f"count{at}") for at in range(4)]
    edges = [f"start>{one['id']}" for one in branches] + [f"{one['id']}>end" for one in branches]
    execution = finished(begin(graph(*branches, edges=edges), steps=4))
    assert ended_by(execution, "steps", execution.error["node"])["reached"] == 5


def test_an_output_that_is_too_large_leaves_nothing(begin, client):
    execution = finished(begin(graph(MODEL), "say 50 words", output_characters=100))
    told = ended_by(execution, "output")
    assert told["reached"] > told["most"] == 100
    shown = client.get(f"/api/v1/executions/{execution.pk}/").json()
    assert shown["output"] is None
    assert shown["error"]["code"] == "limit_output"


def test_variables_count_as_output(begin):
    big = {"id": "v", "type": "variable", "config": {"name": "x", "value": "y" * 200}}
    execution = finished(begin(graph(big), "hi", output_characters=200))
    assert ended_by(execution, "output")["reached"] == len('{"x": ""}') + 200 + len("hi")


def test_a_reply_of_a_chat_that_is_too_large_is_empty_and_failed(client, alice):
    alice.limits = {"output_characters": 20}
    alice.save()
    said = client.post("/api/v1/chat/", {"message": "say 90 words", "mode": "background"}).json()
    execution = WorkflowExecution.objects.get(pk=said["execution"]["id"])
    ended_by(finished(execution), "output")
    reply = execution.messages.get(role="assistant")
    assert (reply.text, reply.status, reply.error["code"]) == ("", "failed", "limit_output")


def test_a_run_under_its_limits_is_as_it_would_be_without(begin):
    lavish = {
        "run_time_s": 60, "step_time_s": 60, "steps": 19, "tokens": 100_000, "cost": "5",
        "tool_calls": 0, "output_characters": 1000,
    }  # fmt: skip
    runs = [finished(begin(rounds(4, *says(3), counts()), **limits)) for limits in ({}, lavish)]
    assert [run.output for run in runs][0] == runs[1].output is not None
    assert [types_of(run) for run in runs][0] == types_of(runs[1])
    assert [run.call_count for run in runs] == [4, 4]
