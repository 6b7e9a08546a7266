"""Reruns of runs with limits: what a limit ended is over, and what was used counts once."""

import pytest

from tests.approvals.desk import Desk, approval, says
from tests.definitions.graphs import asks, graph, waits
from tests.drills.models import GPT, GPT_TOO
from tests.drills.mortal import events_of
from tests.limits.runs import finished, outlasted

SORRY = says("sorry", "sorry")


@pytest.fixture
def begin(client, posted):
    """Start a workflow that has limits; it waits to be run."""

    def begun(document, message="hello", **limits):
        body = {"name": "x", "graph": document, "limits": limits}
        made = client.post("/api/v1/definitions/", body).json()
        body = {"input": {"message": message}}
        return posted(f"/api/v1/definitions/{made['id']}/execute/", body)

    return begun


@pytest.fixture
def limited(begin):
    """Run it to its end."""
    return lambda *what, **limits: finished(begin(*what, **limits))


@pytest.mark.parametrize("limit", ["tokens", "tool_calls"])
def test_a_replay_ends_where_a_limit_ended_the_run(limited, again, wire, asked, limit):
    """Although there is an edge that takes up errors, and nothing is used any more."""
    nodes = [
        asks(node="one", model=GPT),
        asks(node="two", model=GPT, tools=["calculator"]),
        {"id": "tools", "type": "tools"},
        SORRY,
    ]
    edges = ["start>one", "one>two", "two.tool_calls>tools", "tools>two", "two>end", "sorry>end"]
    edges += ["two.error>sorry", "one.error>sorry"]
    wire.script("say=first", next=1)
    wire.script('[[tool=calculator {"expression": "6 * 7"}]]', next=1)
    most = {"tokens": 1} if limit == "tokens" else {"tool_calls": 0}
    source = limited(graph(*nodes, edges=edges), **most)
    assert source.error["code"] == f"limit_{limit}"
    before = asked()
    replay = again(source, "replay")
    assert (replay.status, replay.error) == ("failed", source.error)
    assert again(replay, "replay").error == source.error
    assert asked() == before


def test_a_node_that_took_too_long_does_so_in_reruns_at_once(begin, again, wire, asked, settings):
    settings.CHATTER_DRAIN_S = 0
    wire.script("fault=400", model="gpt-too", next=1)
    document = graph(
        asks(node="slow", model=GPT),
        SORRY,
        asks(node="last", model=GPT_TOO),
        edges=["start>slow", "slow>end", "slow.error>sorry", "sorry>last", "last>end"],
    )
    execution = begin(document, "[[words=100]] [[delay_ms=100]]", step_time_s=60)
    source = outlasted(execution, "model.started", 61)
    assert source.error["node"] == "last"
    before = asked()
    assert again(source, "replay").error == source.error
    retry = again(source, "retry")
    assert retry.status == "completed"
    assert asked()[len(before) :] == ["sorry"]
    failed = [event["data"] for event in events_of(retry) if event["type"] == "node.failed"]
    assert [(one["node"], one["code"]) for one in failed] == [("slow", "limit_step_time")]
    assert again(retry, "replay").output == retry.output


def test_a_replay_ends_by_the_limit_that_ended_the_run_whatever_the_limits_are_now(
    begin, again, client
):
    """One of time may have come in a visit that a recording is done with at once."""
    slow = graph(says("first", "hello"), waits(900))
    three = graph(says("first", "hello"))
    late = outlasted(begin(slow, run_time_s=60), "delay.started", 61)
    most = {"steps": 2}, {"output_characters": 4}
    ended = [late, *(finished(begin(three, **one)) for one in most)]
    assert [one.error["code"] for one in ended] == ["limit_run_time", "limit_steps", "limit_output"]
    for source in ended:
        told = client.patch(f"/api/v1/definitions/{source.definition_id}/", {"limits": {}})
        assert told.status_code == 200, told.json()
        replay = again(source, "replay")
        assert (replay.status, replay.error) == ("failed", source.error)
        assert again(replay, "replay").error == source.error


def test_a_limit_that_came_after_a_run_does_not_end_its_replay(begin, again, client):
    source = finished(begin(graph(says("first", "hello"))))
    lower = {"limits": {"steps": 2, "output_characters": 4}}
    client.patch(f"/api/v1/definitions/{source.definition_id}/", lower)
    assert again(source, "replay").output == source.output
    assert again(source, "fork", node="first").error["code"] == "limit_steps"


def test_tool_calls_that_were_recorded_use_nothing_though_the_run_paused(
    limited, posted, client, wire
):
    calculate = 'use the tool calculator {"expression": "7 * 6"}'
    document = graph(
        asks(node="one", tools=["calculator"]),
        {"id": "first", "type": "tools"},
        asks(node="bad", model=GPT),
        approval(),
        says("more", calculate),
        asks(node="two", tools=["calculator"]),
        {"id": "second", "type": "tools"},
        edges=[
            *("start>one", "one.tool_calls>first", "first>one", "one>bad", "bad>ask"),
            *("ask.rejected>end", "ask.approved>more", "more>two"),
            *("two.tool_calls>second", "second>two", "two>end"),
        ],
    )
    wire.script("fault=400", next=1)
    source = limited(document, calculate, tool_calls=1)
    assert source.error["node"] == "bad"
    retry = finished(posted(f"/api/v1/executions/{source.pk}/retry/"))
    Desk(client).approve()
    assert (finished(retry).status, retry.error) == ("completed", None)
