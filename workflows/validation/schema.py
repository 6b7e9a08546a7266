"""Is it a graph at all, and is every node's configuration one its type knows?"""

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import Field, ValidationError

from core.refusals import told
from workflows.definition.graph import Edge, GraphDefinition, NodeSpec
from workflows.definition.reading import names_of
from workflows.definition.references import expressions_in
from workflows.nodes.base import NodeConfig
from workflows.validation.issue import Issue, error, path_of, shortened
from workflows.validation.subject import Node, NodeTypes

_UNKNOWN = "There is no such setting."


class _DraftNode(NodeSpec, extra="ignore"):
    id: str = Field(min_length=1, max_length=64)
    label: str = ""
    position: Any = None


class _DraftEdge(Edge, extra="ignore"):
    pass


class _Draft(GraphDefinition, extra="ignore"):
    """A graph as far as it can be read, in spite of what it should not have."""

    nodes: tuple[_DraftNode, ...]
    edges: tuple[_DraftEdge, ...] = ()


def read_graph(document: Any) -> tuple[GraphDefinition | None, list[Issue]]:
    """The graph of a document, as far as there is one, and what keeps it from being one."""
    try:
        return GraphDefinition.model_validate(document), []
    except ValidationError as refused:
        issues = list(_issues_of(refused))
    try:
        return _Draft.model_validate(document), issues
    except ValidationError:
        return None, issues


def read_nodes(
    graph: GraphDefinition, node_types: NodeTypes
) -> tuple[tuple[Node, ...], list[Issue]]:
    """Every node with its type and its configuration, and what is wrong with those."""
    nodes, issues = [], []
    for at, spec in enumerate(graph.nodes):
        kind = node_types.get(spec.type)
        config: NodeConfig | None = None
        if kind is None:
            message = f"There is no node type '{shortened(spec.type)}'."
            hint = "GET /api/v1/node-types/ lists those there are."
            issues.append(error("unknown_node_type", path_of("nodes", at, "type"), message, hint))
        else:
            config, found = _read_config(at, spec, kind.config)
            issues += found
        nodes.append(Node(at, spec, kind, config))
    return tuple(nodes), issues


def unfit_settings(graph: GraphDefinition, node_types: NodeTypes) -> Iterator[Issue]:
    """Settings that parameters in their places make impossible, each told as `<node>.<setting>`."""
    for node in graph.nodes:
        kind = node_types.get(node.type)
        try:
            if kind is not None:
                kind.config.model_validate(node.config)
        except ValidationError as refused:
            yield from _issues_of(refused, node.id)


def _read_config(
    at: int, spec: NodeSpec, model: type[NodeConfig]
) -> tuple[NodeConfig | None, list[Issue]]:
    try:
        return model.model_validate(spec.config), []
    except ValidationError as refused:
        issues = list(_issues_of(refused, "nodes", at, "config"))
        filled = {detail["loc"][0] for detail in refused.errors() if detail["loc"]}
    return None if issues else _without(filled, spec, model), issues


def _without(
    filled: Collection[str | int], spec: NodeSpec, model: type[NodeConfig]
) -> NodeConfig | None:
    """The configuration without what parameters fill in, if it can be without."""
    try:
        return model.model_validate({k: v for k, v in spec.config.items() if k not in filled})
    except ValidationError:
        return None


def _issues_of(refused: ValidationError, *before: str | int) -> Iterator[Issue]:
    """A setting that is a parameter gets its type from the parameter, so it is not judged here."""
    for detail in refused.errors(include_url=False, include_context=False):
        unknown = detail["type"] == "extra_forbidden"
        if before and is_parameter(detail["input"]) and not unknown:
            continue
        message = _UNKNOWN if unknown else told(detail)
        yield error(detail["type"], path_of(*before, *detail["loc"]), message)


def is_parameter(value: Any) -> bool:
    """Whether a parameter takes the place of this value, or of a part of it."""
    return isinstance(value, str) and any(
        {name.partition(".")[0] for name in names_of(expression)} == {"params"}
        for _, expression in expressions_in(str(value))
    )
