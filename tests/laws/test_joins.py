"""Joins are joins: every node taken runs once, after all branches that were taken into it."""

import random
from typing import Any

from asgiref.sync import async_to_sync
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import new_id
from tests.laws.graphs import expected, graphs
from workflows.definition.graph import GraphDefinition
from workflows.engine.context import ExecutionContext, History
from workflows.engine.engine import ExecutionEngine
from workflows.engine.events import NodeFinished, NodeStarted
from workflows.engine.result import ExecutionResult
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate


class World:
    """Answers nodes without a database, and keeps what they tell."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def emit(self, event: Any) -> None:
        self.events.append(event)

    async def ask(self, question: Any) -> Any:
        raise AssertionError("no model is asked here")

    async def history(self, most: int, *, unsummed: bool) -> History:
        return History()

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
