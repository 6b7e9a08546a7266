"""A replay is the same run at no cost: nobody is asked, and nothing is waited for."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from analytics.reports.reading import SUBJECTS, Wanted, total
from analytics.reports.span import Span
from llms.models import ModelCall
from tests.definitions.graphs import asks, graph, waits
from tests.drills.models import GPT
from tests.drills.mortal import events_of, leases_run_out, live_and_die, logged, take_up
from tests.workflows.reruns.conftest import ONCE, answered_by, assert_whole, text_in_log
from tools.models import ToolCall
from workflows.built_in import TEMPLATES
from workflows.models import WorkflowExecution

HOUR = 3600.0


def told(execution):
    """What happened in a run, but for when, who was asked, and what it cost."""
    kept = {"node", "visit", "port", "code", "message", "call", "status", "finish_reason", "tool"}
    return [
        (event["type"], {name: event["data"][name] for name in kept & event["data"].keys()})
        for event in events_of(execution)
        if event["type"].partition(".")[0] in ("node", "tool") or event["type"] == "model.finished"
    ]


def by_node(execution):
    """What its log tells of each node: those side by side are told of in any order."""
    return sorted(told(execution), key=lambda event: event[1].get("node", ""))


@pytest.mark.parametrize("slug", [spec["slug"] for spec in TEMPLATES])
def test_a_replay_of_every_built_in_template_gives_the_same_at_no_cost(posted, again, slug):
    """The law of replay."""
    body = {"input": {"message": 'use the tool calculator {"expression": "7 * 6"}'}}
    source = posted(f"/api/v1/templates/{slug}/execute/", body)
    take_up()
    source.refresh_from_db()
    assert source.status == "completed"
    replay = again(source, "replay")
    assert (replay.status, replay.output) == (source.status, source.output)
    assert by_node(replay) == by_node(source)
    assert replay.cost_nano_usd == replay.input_tokens == replay.output_tokens == 0
    assert replay.call_count == source.call_count > 0
    assert {one[-1] for one in answered_by(replay)} == {"recording"}
    tools = ToolCall.objects.filter(origin=replay.origin)
    assert tools.count() == ToolCall.objects.filter(origin=source.origin).count()
    assert set(tools.values_list("answered_by", flat=True)) <= {"recording"}


def test_no_request_leaves_the_house(ran, again, wire, asked):
    source = ran(graph(asks(node="one", model=GPT), asks(node="two", model=GPT)), "[[words=900]]")
    before = asked()
    replay = again(source, "replay")
    assert asked() == before
    assert replay.output == source.output
    assert text_in_log(replay, "one") == text_in_log(source, "one")
    pieces = [event for event in events_of(replay) if event["type"] == "text.delta"]
    assert max(len(event["data"]["text"]) for event in pieces) == 2_000
    assert len(pieces) <= 6


def test_a_replay_is_no_execution_of_its_template_and_its_user(posted, again):
    template = f"/api/v1/templates/{TEMPLATES[0]['slug']}/"
    source = posted(f"{template}execute/", {"input": {"message": "hello"}})
    take_up()
    whole = Wanted(SUBJECTS["executions"], whose=str(source.user_id))

    def kept():
        """Of the template, and of the user."""
        of_template = source.template.analytics
        of_template.refresh_from_db()
        spent = total(whole, Span.of({"range": "24h"})).spreads[0]
        return of_template.execution_count, of_template.duration_ms, spent.count, spent.total

    before = kept()
    assert again(source, "replay").template_id == source.template_id
    assert kept() == before
    assert before[0] == before[2] == 1
    again(source, "fork", node="start")
    assert (kept()[0], kept()[2], source.template.analytics.completed_count) == (2, 2, 2)


def test_what_failed_fails_again_the_same(ran, again, wire, asked):
    wire.script("fault=400", next=1)
    source = ran(graph(asks(model=GPT)), "hello")
    replay = again(source, "replay")
    assert (replay.status, replay.error) == ("failed", source.error)
    assert told(replay) == told(source)
    assert answered_by(replay) == [("model", 1, "failed", "recording")]
    assert len(asked()) == 1


def test_an_error_of_a_call_that_was_never_made_is_repeated_too(ran, again, wire, asked):
    wire.script("say=hello", next=1)
    source = ran(graph(asks(model=GPT), {"id": "p", "type": "prompt", "config": BROKEN}), "hello")
    assert source.error["node"] == "p"
    assert told(again(source, "replay")) == told(source)


BROKEN = {"template": "{{ input.number + 1 }}"}


def test_a_delay_does_not_wait(posted, client, built_in):
    source = posted(ONCE, {"graph": graph(waits(HOUR)), "input": {"message": "hello"}})
    assert live_and_die(logged("delay.started"))
    WorkflowExecution.objects.update(status="pending", lease_owner="")
    client.post(f"/api/v1/executions/{source.pk}/cancel/")
    replay = posted(f"/api/v1/executions/{source.pk}/replay/")
    take_up()
    replay.refresh_from_db()
    assert replay.status == "completed"


def test_chance_falls_the_same_again(ran, again, built_in):
    pause = {"kind": "random", "seconds": 0, "max_seconds": 0.05}
    nodes = [
        {"id": "wait", "type": "delay", "config": pause},
        {"id": "p", "type": "prompt", "config": {"template": "{{ nodes.wait.seconds }} s"}},
    ]
    source = ran(graph(*nodes))
    replay = again(source, "replay")
    assert replay.output == source.output
    assert again(replay, "replay").output == source.output


@pytest.mark.parametrize("which", ["model", "tool"])
def test_what_was_not_recorded_fails_the_run_and_names_the_node(ran, again, wire, asked, which):
    """Even where an error would be taken up."""
    nodes = [
        asks(node="model", model=GPT, fallbacks=["wire:gpt-too"], tools=["calculator"]),
        {"id": "tools", "type": "tools"},
        {"id": "sorry", "type": "error_handler", "config": {"text": "sorry"}},
    ]
    edges = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
    edges += ["model.error>sorry", "sorry>end"]
    wire.script('[[tool=calculator {"expression": "6 * 7"}]]', next=1)
    source = ran(graph(*nodes, edges=edges))
    assert source.status == "completed"
    node = "model" if which == "model" else "tools"
    ledger = ModelCall if which == "model" else ToolCall
    ledger.objects.filter(node=node, visit=1).update(status="lost")
    call_command("rebuild_rollups", stdout=StringIO())  # they are not told of such an update
    replay = again(source, "replay")
    assert (replay.status, replay.error["code"]) == ("failed", "not_recorded")
    assert replay.error["node"] == node
    assert len(asked()) == 2


def test_a_replay_of_a_turn_leaves_the_conversation_as_it_is(posted, client, built_in):
    first = posted("/api/v1/chat/", {"message": "My name is Ann."})
    take_up()
    conversation = first.serial_key.removeprefix("conversation:")
    second = posted("/api/v1/chat/", {"message": "What is my name?", "conversation": conversation})
    take_up()
    posted("/api/v1/chat/", {"message": "Thanks.", "conversation": conversation})
    take_up()
    address = f"/api/v1/conversations/{conversation}/"
    before = client.get(address).json()
    second.refresh_from_db()
    replay = posted(f"/api/v1/executions/{second.pk}/replay/")
    take_up()
    replay.refresh_from_db()
    assert_whole(replay, "replay", second)
    assert replay.output == second.output
    assert "Ann" in replay.output["text"]
    assert told(replay) == told(second)
    assert client.get(address).json() == before


def test_a_fork_of_a_turn_remembers_what_the_turn_did(posted, client, built_in):
    """Asked anew it sees the conversation as it was then, and not what was said later."""
    first = posted("/api/v1/chat/", {"message": "My name is Ann."})
    take_up()
    conversation = first.serial_key.removeprefix("conversation:")
    second = posted("/api/v1/chat/", {"message": "What is my name?", "conversation": conversation})
    take_up()
    posted("/api/v1/chat/", {"message": "My name is Bob.", "conversation": conversation})
    take_up()
    fork = posted(f"/api/v1/executions/{second.pk}/fork/", {"node": "model"})
    take_up()
    fork.refresh_from_db()
    assert "Ann" in fork.output["text"]


@pytest.mark.parametrize("commits", [0, 1])
def test_a_process_may_die_in_the_middle_of_a_replay(ran, posted, wire, asked, commits):
    source = ran(graph(asks(node="one", model=GPT), asks(node="two", model=GPT)), "hello")
    before = asked()
    replay = posted(f"/api/v1/executions/{source.pk}/replay/")
    live_and_die(after_commits=commits)
    leases_run_out()
    take_up()
    replay.refresh_from_db()
    assert_whole(replay, "replay", source)
    assert replay.output == source.output
    assert asked() == before


def test_the_back_office_replays_for_the_one_it_was_run_for(ran, wire, admin, alice, asked):
    source = ran(graph(asks(model=GPT)))
    browser = Client()
    browser.force_login(admin)
    chosen = {"action": "replay", "_selected_action": [str(source.pk)]}
    browser.post("/admin/workflows/workflowexecution/", chosen)
    take_up()
    replay = WorkflowExecution.objects.get(rerun="replay")
    assert (replay.user, replay.status, replay.output) == (alice, "completed", source.output)
    calls = browser.get("/admin/llms/modelcall/?answered_by=recording").content.decode()
    assert replay.pk.hex in calls.replace("-", "")
    assert len(asked()) == 1


def test_a_turn_that_summed_up_what_was_said_does_so_again(posted, again, built_in):
    """Although the conversation's summary has gone on since."""
    turns, conversation = [], {}
    for message in ("My name is Ann.", "I live in Oslo.", "Who am I?"):
        said = {"message": message, "parameters": {"memory_window": 0}, **conversation}
        turns.append(posted("/api/v1/chat/", said))
        take_up()
        turns[-1].refresh_from_db()
        conversation = {"conversation": turns[0].serial_key.removeprefix("conversation:")}
    second = turns[1]
    assert [one[0] for one in answered_by(second)] == ["memory", "model"]
    replay = again(second, "replay")
    assert (replay.output, told(replay)) == (second.output, told(second))
