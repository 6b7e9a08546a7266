"""Nodes in a line are one step for LangGraph, which takes a third of a millisecond for each step.

Where neither a branch nor a join comes between them, there is nothing to schedule.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from workflows.definition.graph import GraphDefinition
from workflows.engine.context import ExecutionContext
from workflows.engine.errors import RunFailed
from workflows.engine.state import Change, Passed, RunState, apply_changes
from workflows.engine.steps import Step


@dataclass(frozen=True, slots=True)
class Line:
    """Steps one after the other; each sees what those before it have left."""

    steps: Sequence[Step]

    async def __call__(
        self, state: RunState, runtime: Runtime[ExecutionContext]
    ) -> Mapping[str, Any]:
        left: dict[str, Passed] = {}
        changes: list[Change] = []
        for step in self.steps:
            try:
                update = await step(state, runtime)
            except RunFailed as error:
                error.state = state  # LangGraph's last one holds nothing of this line
                raise
            changed = update.get("variables", ())
            left |= update["nodes"]
            changes += changed
            state = {
                "nodes": state["nodes"] | update["nodes"],
                "variables": apply_changes(state["variables"], changed),
            }
        return {"nodes": left, "variables": changes}


def lines_of(graph: GraphDefinition, alone: Collection[str]) -> list[tuple[str, ...]]:
    """The nodes of a graph, in lines as long as can be; those `alone` have none to share."""
    follower = dict(_followers(graph, alone))
    firsts = [node.id for node in graph.nodes if node.id not in set(follower.values())]
    return [tuple(_from(first, follower)) for first in firsts]


def _followers(graph: GraphDefinition, alone: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each node that has but one behind it, which has but this one before it."""
    for node in graph.nodes:
        targets = {edge.target for edge in graph.edges if edge.source == node.id}
        for target in targets if len(targets) == 1 else ():
            sources = {edge.source for edge in graph.incoming.get(target, ())}
            if sources == {node.id} and not {node.id, target} & {*alone}:
                yield node.id, target


def _from(first: str, follower: Mapping[str, str]) -> Iterator[str]:
    yield first
    while first in follower:
        yield (first := follower[first])
