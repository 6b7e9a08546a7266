"""A graph definition becomes a compiled LangGraph. This is the only file that builds one.

A node with several incoming edges waits for all of them: a join is a join. A node none of whose
incoming edges was taken is passed over and says so to those behind it, so a branch that is not
taken never blocks a join. LangGraph runs branches in parallel.

The head of a loop has two nodes behind it: one for what a round repeats, one for what follows the
loop; which of them runs is the only choice LangGraph makes. So a join in a loop is one per round,
and one behind it waits until the loop is over. Nodes in a line are one node there (`lines`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from langgraph.graph import END, START, StateGraph

from workflows.definition.graph import ERROR, Edge, GraphDefinition, NodeSpec
from workflows.definition.loops import Loop, loops_of
from workflows.engine.context import ExecutionContext
from workflows.engine.lines import Line, lines_of
from workflows.engine.state import RunState
from workflows.engine.steps import Step

Loops = Mapping[str, Loop]
Lines = Sequence[tuple[str, ...]]


class NodeTypes(Protocol):
    """The registry of node types."""

    def get(self, key: str) -> Any | None: ...


class Compiler:
    """Keeps what it compiled: to build a graph each time costs 1.69 times a run (measured)."""

    def __init__(self, node_types: NodeTypes) -> None:
        self._node_types = node_types
        self._compiled = lru_cache(maxsize=256)(self._compile)

    def runnable(self, graph: GraphDefinition) -> Any:
        """The LangGraph of a bound graph."""
        return self._compiled(graph.canonical)

    def _compile(self, canonical: str) -> Any:
        return _built(GraphDefinition.model_validate_json(canonical), self._node_types)


def _built(graph: GraphDefinition, node_types: NodeTypes) -> Any:
    builder = StateGraph(RunState, context_schema=ExecutionContext)
    kinds = {node.id: _kind(node.type, node_types) for node in graph.nodes}
    starts = [node.id for node in graph.nodes if not graph.incoming[node.id]]
    round_ports = {node: kind.round_port for node, kind in kinds.items() if kind.round_port}
    loops = loops_of(graph.edges, starts, round_ports)
    lines = lines_of(graph, loops)
    for line in lines:
        steps = [_step(graph, graph.by_id[node], kinds, loops.get(node)) for node in line]
        runs = Line(steps) if len(steps) > 1 else steps[0]
        builder.add_node(line[0], runs.__call__)
    for loop in loops.values():
        builder.add_node(_round(loop), _pass_on)
        builder.add_node(_after(loop), _pass_on)
        builder.add_conditional_edges(loop.head, _way(loop), [_round(loop), _after(loop)])
    _connect(builder, graph, loops, lines)
    return builder.compile()


def _step(
    graph: GraphDefinition, node: NodeSpec, kinds: Mapping[str, Any], loop: Loop | None
) -> Step:
    handlers = [
        graph.by_id[edge.target]
        for edge in graph.edges
        if edge.source == node.id and edge.source_port == ERROR
    ]
    return Step(
        node,
        kinds[node.id],
        kinds[node.id].config.model_validate(node.config),
        incoming=graph.incoming[node.id],
        takes_errors=bool(handlers),
        loop=loop,
        waits_s=[wait for one in handlers for wait in kinds[one.id].waits_s(one.config)],
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
        _join(builder, [_source(edge, loops, name) for edge in incoming if edge not in back], first)
        if back:
            _join(builder, [_source(edge, loops, name) for edge in back], first)
        if not any(_leaves(edge, last, loop) for edge in graph.edges):
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
