"""A fork does as its source did up to a visit of a node, and goes its own way from there."""

import asyncio
import json
from collections import Counter

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT
from tests.drills.mortal import events_of, leases_run_out, live_and_die, take_up, until
from tests.workflows.reruns.conftest import answered_by, assert_whole, repeated_in
from workflows.models import WorkflowExecution
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer


def prompt(node, template):
    return {"id": node, "type": "prompt", "config": {"template": template}}


def sets(node, name, value):
    return {"id": node, "type": "variable", "config": {"name": name, "value": value}}


THREE = graph(
    sets("v", "tone", "kind"),
    asks(node="one", model=GPT),
    prompt("p", "{{ text }} in a {{ variables.tone }} tone"),
    asks(node="two", model=GPT),
)


@pytest.fixture
def source(ran, wire):
    wire.script("say=first", match="hello")
    execution = ran(THREE)
    assert execution.status == "completed"
    return execution


def test_what_came_before_is_answered_and_what_follows_is_asked(source, again, asked):
    assert asked() == ["hello", "first in a kind tone"]
    fork = again(source, "fork", node="p", variables={"tone": "rude"})
    assert fork.status == "completed"
    assert asked()[2:] == ["first in a rude tone"]
    assert fork.output["variables"] == {"tone": "rude"}
    assert answered_by(fork) == [
        ("one", 1, "succeeded", "recording"),
        ("two", 1, "succeeded", "provider"),
    ]
    assert repeated_in(fork) == {"start", "v", "one"}
    assert repeated_in(again(fork, "replay")) == {"start", "v", "one", "p", "two", "end"}


def test_the_text_that_reaches_the_node_is_replaced(source, again, asked):
    fork = again(source, "fork", node="two", text="What else?")
    assert asked()[-1] == "What else?"
    assert fork.edits == [{"node": "two", "visit": 1, "variables": {}, "text": "What else?"}]


def test_at_the_start_it_is_the_message(source, again, asked):
    fork = again(source, "fork", node="start", text="another")
    assert fork.input["message"] == "another"
    assert asked()[-2] == "another"
    assert {one[-1] for one in answered_by(fork)} == {"provider"}


def test_input_and_parameters_change_by_name(ran, again, wire, asked):
    model = asks(node="m", model=GPT)
    say = prompt("p", "{{ input.message }} {{ input.more }} {{ params.how }}")
    body = {"input": {"message": "say", "more": "a"}, "parameters": {"how": "loud"}}
    source = ran(graph(say, model), **body)
    assert asked() == ["say a loud"]
    fork = again(source, "fork", node="p", input={"more": "b"}, parameters={"how": "low"})
    assert asked()[-1] == "say b low"
    assert (fork.input["message"], fork.parameters) == ("say", {"how": "low"})


LOOP = graph(
    {"id": "loop", "type": "loop", "config": {"max_iterations": 3}},
    asks(node="m", model=GPT),
    prompt("p", "{{ text }} again"),
    edges=["start>loop", "loop.continue>m", "m>p", "p>loop", "loop.done>end"],
)


def test_in_a_loop_the_visit_says_where(ran, again, wire, asked):
    wire.script("say=la")
    source = ran(LOOP)
    assert len(asked()) == 3
    fork = again(source, "fork", node="m", visit=2, text="changed")
    assert asked()[3:] == ["changed", "la again"]
    assert [one[1::2] for one in answered_by(fork)] == [
        (1, "recording"),
        (2, "provider"),
        (3, "provider"),
    ]


def test_in_a_round_of_tools_the_text_is_what_the_tool_said(ran, again, wire):
    nodes = [asks(node="m", model=GPT, tools=["calculator"]), {"id": "tools", "type": "tools"}]
    edges = ["start>m", "m.tool_calls>tools", "tools>m", "m>end"]
    wire.script('[[tool=calculator {"expression": "6 * 7"}]]', next=1)
    source = ran(graph(*nodes, edges=edges))
    assert "42" in source.output["text"]
    fork = again(source, "fork", node="m", visit=2, text="43")
    assert "43" in fork.output["text"]


def test_of_parallel_branches_what_began_before_is_kept(ran, again, wire, asked):
    nodes = [
        asks(node="a", model=GPT),
        asks(node="before", model=GPT),
        prompt("p", "later"),
        asks(node="b", model=GPT),
    ]
    edges = ["start>a", "start>before", "before>p", "p>b", "a>end", "b>end"]
    source = ran(graph(*nodes, edges=edges))
    fork = again(source, "fork", node="b", text="other")
    assert ("a", 1, "succeeded", "recording") in answered_by(fork)
    assert ("b", 1, "succeeded", "provider") in answered_by(fork)
    assert Counter(asked()) == {"hello": 2, "later": 1, "other": 1}


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"node": "nowhere"}, "node_not_visited"),
        ({"node": "two", "visit": 2}, "node_not_visited"),
        ({"node": "two", "visit": 0}, "invalid"),
        ({}, "invalid"),
        ({"node": "two", "state": {}}, "invalid"),
    ],
)
def test_a_place_that_the_source_never_came_to_is_refused(source, client, where, code):
    told = client.post(f"/api/v1/executions/{source.pk}/fork/", where)
    assert (told.status_code, told.json()["code"]) == (400, code)


def test_a_fork_that_does_not_come_to_its_place_fails(ran, again, wire):
    cond = {
        "id": "c",
        "type": "conditional",
        "config": {"condition": "params.go == true"},
    }
    edges = ["start>c", "c.true>p", "c.false>end", "p>end"]
    source = ran(graph(cond, prompt("p", "went"), edges=edges), parameters={"go": True})
    assert source.status == "completed", source.error
    fork = again(source, "fork", node="p", parameters={"go": False})
    assert (fork.error["code"], fork.error["node"]) == ("fork_not_reached", "p")


# --- forks of forks, and other reruns of them -----------------------------------------------------


def test_a_replay_of_a_fork_gives_the_same(source, again, asked):
    fork = again(source, "fork", node="p", variables={"tone": "rude"})
    before = asked()
    replay = again(fork, "replay")
    assert replay.output == fork.output
    assert asked() == before


def test_a_fork_of_a_fork_keeps_what_the_first_one_changed(source, again, asked):
    first = again(source, "fork", node="p", variables={"tone": "rude"})
    second = again(first, "fork", node="two", text="Well?")
    assert asked()[-1] == "Well?"
    assert second.output["variables"] == {"tone": "rude"}
    earlier = again(first, "fork", node="one")
    assert earlier.output["variables"] == {"tone": "kind"}


def test_a_fork_that_failed_is_tried_again_with_its_change(source, again, wire, asked):
    wire.script("fault=400", match="rude", next=1)
    failed = again(source, "fork", node="p", variables={"tone": "rude"})
    assert failed.status == "failed"
    retry = again(failed, "retry")
    assert (retry.status, retry.output["variables"]) == ("completed", {"tone": "rude"})
    assert Counter(asked())["first in a rude tone"] == 2


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_process_may_die_after_any_commit_of_a_fork(source, posted, asked, commits):
    before = len(asked())
    body = {"node": "p", "variables": {"tone": "rude"}}
    fork = posted(f"/api/v1/executions/{source.pk}/fork/", body)
    live_and_die(after_commits=commits)
    leases_run_out()
    take_up()
    fork.refresh_from_db()
    assert_whole(fork, "fork", source)
    assert fork.output["variables"] == {"tone": "rude"}
    rows = answered_by(fork)
    assert rows.count(("one", 1, "succeeded", "recording")) == 1
    assert rows.count(("two", 1, "succeeded", "provider")) == 1
    assert len(asked()) - before <= 2
    starts = [e["data"]["node"] for e in events_of(fork) if e["type"] == "node.started"]
    assert starts == ["start", "v", "one", "p", "two", "end"]


@pytest.mark.parametrize(
    ("how", "mode"),
    [("replay", "wait"), ("replay", "stream"), ("fork", "wait"), ("retry", "wait")],
)
def test_who_waits_gets_the_end_and_who_streams_the_events(ran, alice, wire, mode, how):
    wire.script("fault=400", next=1)
    failed = ran(graph(asks(model=GPT)))

    async def scenario():
        browser = AsyncClient()
        await browser.aforce_login(alice)
        body = {"mode": mode, **({"node": "model"} if how == "fork" else {})}
        address = f"/api/v1/executions/{failed.pk}/{how}/"
        posted = browser.post(address, body, content_type="application/json")
        answer, _ = await asyncio.gather(posted, run_rerun())
        if not answer.streaming:
            return answer.status_code, answer.content.decode()
        return answer.status_code, b"".join([part async for part in answer]).decode()

    status, text = async_to_sync(scenario)()
    if mode == "wait":
        shown = json.loads(text)["execution"]
        expected = "failed" if how == "replay" else "completed"
        assert (status, shown["status"], shown["rerun"]) == (201, expected, how)
    else:
        assert status == 200
        assert text.startswith("id: 1\nevent: execution.created\n")


async def run_rerun():
    await until(WorkflowExecution.objects.exclude(rerun="").exists)
    await Pump(writer).drain()
