"""Joins are joins: every node taken runs once, after all branches that were taken into it."""

import random
import re
import zlib
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from asgiref.sync import async_to_sync
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.models import new_id
from tests.fakes import FakeReply, FakeServices
from tests.laws.blocks import WITHIN, accepted_graphs
from tests.laws.graphs import expected, graphs
from workflows.definition.graph import GraphDefinition
from workflows.engine.context import ExecutionContext, Question
from workflows.engine.engine import ExecutionEngine
from workflows.engine.errors import RunFailed
from workflows.engine.events import NodeFinished, NodeStarted
from workflows.engine.pausing import APPROVED, REJECTED, ApprovalQuestion, Decision
from workflows.engine.result import ExecutionResult
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate


class World(FakeServices):
    """Answers nodes without a database, and keeps what they tell."""

    def __init__(self) -> None:
        super().__init__(workflows=dict(WITHIN))
        self.events: list[Any] = []

    def emit(self, event: Any) -> None:
        self.events.append(event)

    async def ask(self, question: Question) -> FakeReply:
        """Some nodes never have a tool called, the others until they may not."""
        if not question.tools or zlib.crc32(question.node.encode()) % 2:
            return FakeReply("{}")
        call = {"id": "1", "name": "calculator", "args": {"expression": "1"}}
        return FakeReply("so far", "tool_calls", (call,))

    async def approval(self, question: ApprovalQuestion) -> Decision:
        return Decision(APPROVED if zlib.crc32(question.node.encode()) % 2 else REJECTED)

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        assert seconds == 0


def run(graph: dict[str, Any]) -> tuple[ExecutionResult, list[Any]]:
    world = World()
    context = ExecutionContext(
        execution_id=new_id(),
        attempt=1,
        graph=GraphDefinition.model_validate(graph),
        input={"message": "hello"},
        parameters={},
        services=world,
        log=world,
    )
    return async_to_sync(ExecutionEngine(NODE_TYPES).execute)(context), world.events


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_every_node_taken_runs_once_and_after_its_branches(graph: dict[str, Any]) -> None:
    assert errors_in(validate(graph)) == []
    ran, total, appended = expected(graph)
    result, events = run(graph)
    started = [event.node for event in events if isinstance(event, NodeStarted)]
    assert sorted(started) == sorted(ran)
    done: set[str] = set()
    for event in events:
        if isinstance(event, NodeStarted):
            assert ran[event.node] <= done
        elif isinstance(event, NodeFinished):
            done.add(event.node)
    assert result.variables.get("sum", 0) == total
    assert sorted(result.variables.get("visited", [])) == appended


@given(graphs(), st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_the_order_of_a_definition_changes_nothing(graph: dict[str, Any], seed: int) -> None:
    shuffled = {part: list(graph[part]) for part in graph}
    for part in shuffled.values():
        random.Random(seed).shuffle(part)
    first, second, again = run(graph)[0], run(shuffled)[0], run(graph)[0]
    assert first == again
    assert first.variables == second.variables
    assert sorted(first.text.split()) == sorted(second.text.split())


@given(accepted_graphs())
def test_whatever_validation_accepts_goes_every_way_that_it_takes(graph: dict[str, Any]) -> None:
    """What follows a port by which a node leaves runs before it leaves again, and an end does."""
    try:
        _, events = run(graph)
    except RunFailed as error:
        assert error.code != "node_crashed"
        assume(False)
    told = [event for event in events if isinstance(event, NodeStarted | NodeFinished)]
    assume("last_hope" not in {event.node for event in told})  # the handler of the graph
    for at, event in enumerate(told):
        if isinstance(event, NodeFinished):
            later = takewhile(
                lambda other, node=event.node: not _leaves(other, node), told[at + 1 :]
            )
            started = {other.node for other in later if isinstance(other, NodeStarted)}
            assert {*_following(graph, event)} <= started
    assert "end" in {event.node for event in told}


def _leaves(event: Any, node: str) -> bool:
    return isinstance(event, NodeFinished) and event.node == node


def _following(graph: dict[str, Any], event: NodeFinished) -> Iterator[str]:
    """The nodes behind the port, but for a map where its item comes to an end."""
    within, slash, node = event.node.rpartition("/")
    around = re.sub(r"(#\d+)?\[\d+\]$", "", within.rpartition("/")[2])
    for edge in graph["edges"]:
        if (edge["source"], edge["source_port"]) == (node, event.port) and edge["target"] != around:
            yield f"{within}{slash}{edge['target']}"
