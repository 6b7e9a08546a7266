"""Do nodes and edges make a graph that can run from a start to an end?"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from workflows.definition.graph import ERROR as ERROR_PORT
from workflows.definition.graph import GraphDefinition, NodeSpec
from workflows.registry import NODE_TYPES
from workflows.validation.issue import WARNING, Issue

MAX_NODES, MAX_EDGES = 100, 200


def check_structure(graph: GraphDefinition) -> Iterator[Issue]:
    yield from _sizes(graph)
    yield from _ids(graph)
    yield from _edges(graph)
    yield from _ends(graph)
    yield from _reach(graph)


def _sizes(graph: GraphDefinition) -> Iterator[Issue]:
    if len(graph.nodes) > MAX_NODES:
        yield Issue("too_many_nodes", "nodes", f"A graph has at most {MAX_NODES} nodes.")
    if len(graph.edges) > MAX_EDGES:
        yield Issue("too_many_edges", "edges", f"A graph has at most {MAX_EDGES} edges.")


def _ids(graph: GraphDefinition) -> Iterator[Issue]:
    for node_id, count in Counter(node.id for node in graph.nodes).items():
        if count > 1:
            yield Issue("duplicate_id", f"nodes.{node_id}", f"{count} nodes have this id.")


def _edges(graph: GraphDefinition) -> Iterator[Issue]:
    seen = set()
    for at, edge in enumerate(graph.edges):
        path = f"edges.{at}"
        for end, node_id in (("source", edge.source), ("target", edge.target)):
            if node_id not in graph.by_id:
                yield Issue("unknown_node", f"{path}.{end}", f"There is no node '{node_id}'.")
        if edge in seen:
            yield Issue("duplicate_edge", path, "This edge stands twice.")
        seen.add(edge)
        source = graph.by_id.get(edge.source)
        if source and edge.source_port not in _ports(source):
            message = f"'{source.type}' has no port '{edge.source_port}'."
            yield Issue("unknown_port", f"{path}.source_port", message)


def _ports(node: NodeSpec) -> tuple[str, ...]:
    kind = NODE_TYPES.get(node.type)
    if kind is None:  # the step before has said so
        return ()
    ports: tuple[str, ...] = kind.ports_of(node.config)
    return (*ports, ERROR_PORT) if kind.can_fail else ports


def _ends(graph: GraphDefinition) -> Iterator[Issue]:
    starts = [node.id for node in graph.nodes if node.type == "start"]
    if len(starts) != 1:
        yield Issue("one_start", "nodes", f"A graph has exactly one start, this has {len(starts)}.")
    if not any(node.type == "end" for node in graph.nodes):
        yield Issue("no_end", "nodes", "A graph needs an end.")
    for start in starts:
        if graph.incoming[start]:
            yield Issue("edge_into_start", f"nodes.{start}", "Nothing comes before the start.")


def _reach(graph: GraphDefinition) -> Iterator[Issue]:
    targets: dict[str, set[str]] = defaultdict(set)
    for edge in graph.edges:
        targets[edge.source].add(edge.target)
    yield from _cycles(graph)
    reached = _reached(graph, targets)
    for node in graph.nodes:
        if node.id not in reached:
            yield Issue("unreachable", f"nodes.{node.id}", "No path leads here from the start.")
        if node.type != "end" and not targets[node.id]:
            yield Issue("dead_end", f"nodes.{node.id}", "Nothing follows this node.", WARNING)
    ends = {node.id for node in graph.nodes if node.type == "end"}
    if ends and not ends & reached:
        yield Issue("end_unreachable", "nodes", "No path leads from the start to an end.")


def _cycles(graph: GraphDefinition) -> Iterator[Issue]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edge in graph.edges:
        sorter.add(edge.target, edge.source)
    try:
        sorter.prepare()
    except CycleError as error:
        yield Issue("cycle", "edges", f"These nodes go round: {' → '.join(error.args[1])}.")


def _reached(graph: GraphDefinition, targets: dict[str, set[str]]) -> set[str]:
    reached = {node.id for node in graph.nodes if node.type == "start"}
    waiting = list(reached)
    while waiting:
        new = targets[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached
