"""How large a graph is, and how many ways lead through it."""

from dataclasses import dataclass

from workflows.definition.graph import GraphDefinition
from workflows.definition.layers import depths, paths


@dataclass(frozen=True, slots=True)
class Complexity:
    """`depth` is the number of nodes on the longest way; `paths` counts ways, loops taken once."""

    nodes: int
    edges: int
    paths: int
    depth: int


def complexity(graph: GraphDefinition) -> Complexity:
    return Complexity(
        nodes=len(graph.nodes),
        edges=len(graph.edges),
        paths=paths(graph),
        depth=max(depths(graph).values(), default=-1) + 1,
    )
