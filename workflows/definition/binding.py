"""Parameters put in their places: `{{params.name}}` in a node's configuration."""

from collections.abc import Mapping
from typing import Any, Protocol

from workflows.definition.expressions import Allowance
from workflows.definition.graph import GraphDefinition
from workflows.definition.references import bind, small


class NodeTypes(Protocol):
    """The registry of node types."""

    def get(self, key: str) -> Any | None: ...


def bound(
    graph: GraphDefinition, parameters: Mapping[str, Any], node_types: NodeTypes
) -> GraphDefinition:
    """The graph with every `{{params.…}}` replaced; other references stay for the run.

    What is a text by the type of its node stays one, whatever is put there. Raises BadExpression.
    """
    names, shared = {"params": parameters}, Allowance()
    nodes = []
    for node in graph.nodes:
        kind = node_types.get(node.type)
        texts = kind.texts() if kind else ()
        config = {
            name: bind(value, names, only="params", allowance=shared, as_texts=name in texts)
            for name, value in node.config.items()
        }
        nodes.append(node.model_copy(update={"config": small(config)}))
    return GraphDefinition(nodes=tuple(nodes), edges=graph.edges)
