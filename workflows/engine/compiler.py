"""A graph definition becomes a compiled LangGraph. This is the only file that builds one of it.

A node with several incoming edges waits for all of them: a join is a join. A node none of whose
incoming edges was taken is passed over and says so to those behind it, so a branch that is not
taken never blocks a join. LangGraph runs branches in parallel.

The head of a loop has two nodes behind it: one for what a round repeats, one for what follows the
loop; which of them runs is the only choice LangGraph makes. So a join in a loop is one per round,
and one behind it waits until the loop is over. Nodes in a line are one node there (`lines`).

The body of a map, and the part behind the handler of a graph, run as graphs of their own: they are
no part of the graph around them, and are compiled beside it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from langgraph.graph import END, START, StateGraph

from workflows.definition.graph import ERROR, Edge, GraphDefinition, NodeSpec
from workflows.definition.loops import Loop, loops_of
from workflows.definition.parts import (
    Body,
    bodies_of,
    part_before,
    part_behind,
    starts_of,
    without_bodies,
)
from workflows.engine.context import ExecutionContext
from workflows.engine.lines import Line, lines_of
from workflows.engine.state import RunState
from workflows.engine.steps import Step

Loops = Mapping[str, Loop]
Lines = Sequence[tuple[str, ...]]
Kinds = Mapping[str, Any]  # the type of each node


class NodeTypes(Protocol):
    """The registry of node types."""

    def get(self, key: str) -> Any | None: ...


@dataclass(frozen=True, slots=True)
class Handler:
    """The node that takes up errors that no edge does, the waits before a node is tried again, the
    part that runs then, and whether the run fails all the same.
    """

    node: str
    waits_s: Sequence[float]
    part: GraphDefinition
    fails: bool


@dataclass(frozen=True, slots=True)
class Compiled:
    graph: Any
    handler: Handler | None


class Compiler:
    """Keeps what it compiled: to build a graph each time costs 1.69 times a run (measured)."""

    def __init__(self, node_types: NodeTypes) -> None:
        self._node_types = node_types
        self._compiled = lru_cache(maxsize=256)(self._compile)

    def runnable(self, graph: GraphDefinition) -> Any:
        """The LangGraph of a bound graph."""
        return self._compiled(graph.canonical).graph

    def handler_of(self, graph: GraphDefinition) -> Handler | None:
        """The handler of a bound graph, if it has one."""
        return self._compiled(graph.canonical).handler

    def _compile(self, canonical: str) -> Compiled:
        graph = GraphDefinition.model_validate_json(canonical)
        kinds = {node.id: _kind(node.type, self._node_types) for node in graph.nodes}
        if (handler := _handler(graph, kinds)) is not None:
            self.runnable(handler.part)
            graph = part_before(graph, handler.node)
        ports = {node.id: kinds[node.id].round_port for node in graph.nodes}
        heads = {node: ports[node] for node in ports if kinds[node].has_body}
        bodies = bodies_of(graph, heads, _stops(graph, kinds))
        for body in bodies.values():
            self.runnable(body.graph)
        graph = without_bodies(graph, bodies.values())
        return Compiled(_built(graph, kinds, bodies, handler.waits_s if handler else ()), handler)


def _handler(graph: GraphDefinition, kinds: Kinds) -> Handler | None:
    """None for a graph that is nothing but the part behind a handler: it is what runs then."""
    for node in graph.nodes:
        then = kinds[node.id].takes_up(node.config)
        if then and not graph.incoming[node.id]:
            part = part_behind(graph, node.id)
            if part.by_id == graph.by_id:
                return None
            return Handler(node.id, kinds[node.id].waits_s(node.config), part, then == "fail")
    return None


def _built(
    graph: GraphDefinition, kinds: Kinds, bodies: Mapping[str, Body], waits_s: Sequence[float]
) -> Any:
    builder = StateGraph(RunState, context_schema=ExecutionContext)
    round_ports = {n: kinds[n].round_port for n in graph.by_id if kinds[n].round_port}
    loops = loops_of(graph.edges, starts_of(graph), round_ports, _stops(graph, kinds))
    lines = lines_of(graph, loops)
    for line in lines:
        steps = [
            _step(graph, graph.by_id[node], kinds, waits_s, loops.get(node), bodies.get(node))
            for node in line
        ]
        runs = Line(steps) if len(steps) > 1 else steps[0]
        builder.add_node(line[0], runs.__call__)
    for loop in loops.values():
        builder.add_node(_round(loop), _pass_on)
        builder.add_node(_after(loop), _pass_on)
        builder.add_conditional_edges(loop.head, _way(loop), [_round(loop), _after(loop)])
    _connect(builder, graph, loops, lines)
    return builder.compile()


def _stops(graph: GraphDefinition, kinds: Kinds) -> list[str]:
    return [node.id for node in graph.nodes if kinds[node.id].stops(node.config)]


def _step(
    graph: GraphDefinition,
    node: NodeSpec,
    kinds: Kinds,
    waits_s: Sequence[float],
    loop: Loop | None,
    body: Body | None,
) -> Step:
    out = [edge for edge in graph.edges if edge.source == node.id and edge.source_port == ERROR]
    handlers = [graph.by_id[edge.target] for edge in out if edge.target in graph.by_id]
    if out:
        waits_s = [wait for one in handlers for wait in kinds[one.id].waits_s(one.config)]
    if kinds[node.id].stops(node.config):  # it would end in the same error
        waits_s = ()
    return Step(
        node,
        kinds[node.id],
        kinds[node.id].config.model_validate(node.config),
        incoming=graph.incoming[node.id],
        takes_errors=bool(out),
        loop=loop,
        waits_s=waits_s,
        body=body,
    )


def _kind(key: str, node_types: NodeTypes) -> Any:
    kind = node_types.get(key)
    if kind is None:
        raise LookupError(f"There is no node type '{key}'.")
    return kind


def _connect(
    builder: StateGraph[Any, Any], graph: GraphDefinition, loops: Loops, lines: Lines
) -> None:
    name = {node: line[0] for line in lines for node in line}  # LangGraph's node for each of ours
    for line in lines:
        first, last = line[0], line[-1]
        loop, incoming = loops.get(first), graph.incoming[first]
        back = loop.back if loop else ()
        forth = [edge for edge in incoming if edge not in back and edge.source in name]
        _join(builder, [_source(edge, loops, name) for edge in forth], first)
        if back:
            _join(builder, [_source(edge, loops, name) for edge in back], first)
        if not any(_leaves(edge, last, loop) for edge in graph.edges if edge.target in name):
            builder.add_edge(_after(loop) if loop else first, END)


def _join(builder: StateGraph[Any, Any], sources: Iterable[str], target: str) -> None:
    before = sorted({*sources}) or [START]
    builder.add_edge(before if len(before) > 1 else before[0], target)


def _source(edge: Edge, loops: Loops, name: Mapping[str, str]) -> str:
    loop = loops.get(edge.source)
    if loop is None:
        return name[edge.source]
    return _round(loop) if edge.source_port == loop.port else _after(loop)


def _leaves(edge: Edge, node: str, loop: Loop | None) -> bool:
    """Whether something follows by this edge, other than a round."""
    return edge.source == node and (loop is None or edge.source_port != loop.port)


def _way(loop: Loop) -> Callable[[RunState], str]:
    def way(state: RunState) -> str:
        return _round(loop) if state["nodes"][loop.head].port == loop.port else _after(loop)

    return way


def _round(loop: Loop) -> str:
    return f"{loop.head}.round"


def _after(loop: Loop) -> str:
    return f"{loop.head}.after"


async def _pass_on(state: RunState) -> Mapping[str, Any]:
    return {}
