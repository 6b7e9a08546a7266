"""How a graph goes from its start to its ends, loops taken once."""

from collections import deque
from collections.abc import Mapping, Sequence

from workflows.definition.graph import Edge, GraphDefinition


def forward_edges(graph: GraphDefinition) -> list[Edge]:
    """The edges without those that lead back to a node on the way to them: a loop's returns."""
    ways: dict[str, list[Edge]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        if edge.source in ways and edge.target in ways:
            ways[edge.source].append(edge)
    back: set[Edge] = set()
    done: set[str] = set()
    for node in graph.nodes:
        _search(node.id, ways, done, back)
    return [edge for edge in graph.edges if edge.target in ways and edge not in back]


def _search(
    first: str, ways: Mapping[str, Sequence[Edge]], done: set[str], back: set[Edge]
) -> None:
    """Depth first, without recursion: a graph may be as deep as it has nodes."""
    path = {first: iter(ways[first])} if first not in done else {}
    while path:
        at = next(reversed(path))
        edge = next(path[at], None)
        if edge is None:
            done.add(at)
            del path[at]
        elif edge.target in path:
            back.add(edge)
        elif edge.target not in done:
            path[edge.target] = iter(ways[edge.target])


def depths(graph: GraphDefinition) -> dict[str, int]:
    """How many nodes the longest way to each node passes."""
    edges = forward_edges(graph)
    depth = dict.fromkeys((node.id for node in graph.nodes), 0)
    for node_id in _sorted(graph, edges):
        for edge in edges:
            if edge.source == node_id:
                depth[edge.target] = max(depth[edge.target], depth[node_id] + 1)
    return depth


def _sorted(graph: GraphDefinition, edges: Sequence[Edge]) -> list[str]:
    """Every node after those before it."""
    missing = dict.fromkeys((node.id for node in graph.nodes), 0)
    for edge in edges:
        missing[edge.target] += 1
    ready = deque(key for key, count in missing.items() if not count)
    found = []
    while ready:
        found.append(ready.popleft())
        for edge in edges:
            if edge.source == found[-1]:
                missing[edge.target] -= 1
                if not missing[edge.target]:
                    ready.append(edge.target)
    return found


def paths(graph: GraphDefinition) -> int:
    """How many ways there are through the graph, loops taken once."""
    edges = forward_edges(graph)
    following: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in edges:
        following[edge.source].append(edge.target)
    ways: dict[str, int] = {}
    for key in reversed(_sorted(graph, edges)):
        ways[key] = sum(ways[target] for target in following[key]) or 1
    led_to = {edge.target for edge in edges}
    return sum(ways[node.id] for node in graph.nodes if node.id not in led_to)
