"""Parameters put in their places: `{{params.name}}` in a node's configuration."""

from collections.abc import Mapping
from typing import Any

from workflows.definition.expressions import Allowance
from workflows.definition.graph import GraphDefinition
from workflows.definition.references import bind


def bound(graph: GraphDefinition, parameters: Mapping[str, Any]) -> GraphDefinition:
    """The graph with every `{{params.…}}` replaced; other references stay for the run.

    Raises BadExpression.
    """
    names, shared = {"params": parameters}, Allowance()
    nodes = tuple(
        node.model_copy(
            update={"config": bind(node.config, names, only="params", allowance=shared)}
        )
        for node in graph.nodes
    )
    return GraphDefinition(nodes=nodes, edges=graph.edges)
