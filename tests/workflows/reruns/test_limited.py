"""Reruns of runs with limits: what a limit ended is over, and what was used counts once."""

import pytest

from llms.models import ModelCall
from tests.approvals.desk import Desk, approval, says
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT, GPT_TOO
from tests.drills.mortal import take_up
from tests.workflows.reruns.conftest import answered_by

SORRY = says("sorry", "sorry")


@pytest.fixture
def limited(client, posted):
    """Run a workflow that has limits to its end."""

    def run(document, message="hello", **limits):
        body = {"name": "x", "graph": document, "limits": limits}
        made = client.post("/api/v1/definitions/", body).json()
        body = {"input": {"message": message}}
        execution = posted(f"/api/v1/definitions/{made['id']}/execute/", body)
        take_up()
        execution.refresh_from_db()
        return execution

    return run


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
