"""Parts of a graph that run as graphs of their own (pure): a map's body, and what is behind the
handler of a graph."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from workflows.definition.graph import Edge, GraphDefinition
from workflows.definition.loops import loops_of


@dataclass(frozen=True, slots=True)
class Body:
    """What runs once for each item, without its head; `back` are the edges by which that ends.

    Its graph has the edges from the head and back to it, though the head is no node of it.
    """

    graph: GraphDefinition
    back: tuple[Edge, ...]


def starts_of(graph: GraphDefinition) -> list[str]:
    """Where a graph begins: nodes without edges into them, and heads of which it is the body."""
    absent = dict.fromkeys(edge.source for edge in graph.edges if edge.source not in graph.by_id)
    return [*absent, *(node.id for node in graph.nodes if not graph.incoming[node.id])]


def bodies_of(
    graph: GraphDefinition, ports: Mapping[str, str], stops: Iterable[str] = ()
) -> dict[str, Body]:
    """The bodies by their heads; `ports` tells which nodes have one, and by which port it begins.

    Those in others are among them, as they stand there.
    """
    loops = loops_of(graph.edges, starts_of(graph), ports, stops)
    return {
        loop.head: Body(_kept(graph, loop.body, {loop.head}), loop.back) for loop in loops.values()
    }


def without_bodies(graph: GraphDefinition, bodies: Iterable[Body]) -> GraphDefinition:
    inside = {node.id for body in bodies for node in body.graph.nodes}
    return _without(graph, inside) if inside else graph


def part_behind(graph: GraphDefinition, node: str) -> GraphDefinition:
    """This node, and all that follows."""
    targets: dict[str, list[str]] = {}
    for edge in graph.edges:
        targets.setdefault(edge.source, []).append(edge.target)
    found, waiting = {node}, [node]
    while waiting:
        new = {*targets.get(waiting.pop(), ())} - found
        found |= new
        waiting += new
    return _kept(graph, found)


def part_before(graph: GraphDefinition, node: str) -> GraphDefinition:
    """The graph without this node and without what follows it."""
    return _without(graph, set(part_behind(graph, node).by_id))


def without_edges(graph: GraphDefinition, edges: Collection[Edge]) -> GraphDefinition:
    """The graph without these edges, and without what only they led to."""
    left = GraphDefinition(
        nodes=graph.nodes, edges=tuple(edge for edge in graph.edges if edge not in edges)
    )
    return _kept(left, (id for start in starts_of(graph) for id in part_behind(left, start).by_id))


def _kept(
    graph: GraphDefinition, nodes: Iterable[str], heads: Iterable[str] = ()
) -> GraphDefinition:
    """These nodes, and the edges between them and to and from `heads`, which are not kept."""
    inside = set(nodes)
    known = inside.union(heads)
    return GraphDefinition(
        nodes=tuple(node for node in graph.nodes if node.id in inside),
        edges=tuple(
            e for e in graph.edges if (ends := {e.source, e.target}) <= known and ends & inside
        ),
    )


def _without(graph: GraphDefinition, left_out: set[str]) -> GraphDefinition:
    """What is left, with edges to and from heads that are no nodes of it."""
    return GraphDefinition(
        nodes=tuple(node for node in graph.nodes if node.id not in left_out),
        edges=tuple(e for e in graph.edges if not {e.source, e.target} & left_out),
    )
