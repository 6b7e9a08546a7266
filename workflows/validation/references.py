"""Do expressions parse, and do references name what a run has?"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from workflows.definition.conditions import NAMES, BadExpression, parse
from workflows.definition.graph import GraphDefinition
from workflows.definition.references import references_in
from workflows.validation.issue import WARNING, Issue

_EXPRESSIONS = {"conditional": "condition", "variable": "expression"}


def check_references(graph: GraphDefinition) -> Iterator[Issue]:
    before = _ancestors(graph)
    for node in graph.nodes:
        path = f"nodes.{node.id}.config"
        for name in references_in(node.config):
            yield from _reference(name, path, before.get(node.id, set()))
        key = _EXPRESSIONS.get(node.type)
        if key and node.config.get(key):
            try:
                parse(str(node.config[key]))
            except BadExpression as error:
                yield Issue("bad_expression", f"{path}.{key}", str(error))
    yield from _parallel_sets(graph, before)


def _reference(name: str, path: str, before: set[str]) -> Iterator[Issue]:
    first, _, rest = name.partition(".")
    if first not in NAMES:
        message = f"'{first}' is not a known name; use one of {', '.join(NAMES)}."
        yield Issue("unknown_reference", path, message)
    elif first == "nodes" and rest.split(".")[0] not in before:
        message = f"'{rest.split('.')[0]}' does not run before this node."
        yield Issue("reference_not_before", path, message)


def _ancestors(graph: GraphDefinition) -> dict[str, set[str]]:
    """Every node's predecessors, near and far; empty for a graph that goes round."""
    sorter: TopologicalSorter[str] = TopologicalSorter({node.id: () for node in graph.nodes})
    for edge in graph.edges:
        sorter.add(edge.target, edge.source)
    found: dict[str, set[str]] = {}
    try:
        for node_id in sorter.static_order():
            sources = {edge.source for edge in graph.incoming.get(node_id, ())}
            found[node_id] = sources.union(*(found[source] for source in sources))
    except (CycleError, KeyError):
        return {}
    return found


def _parallel_sets(graph: GraphDefinition, before: dict[str, set[str]]) -> Iterator[Issue]:
    """Branches that set the same variable: fine if only one of them is ever taken."""
    sets = [
        node
        for node in graph.nodes
        if node.type == "variable" and node.config.get("operation", "set") == "set"
    ]
    for at, one in enumerate(sets):
        for other in sets[at + 1 :]:
            ordered = one.id in before.get(other.id, ()) or other.id in before.get(one.id, ())
            if one.config.get("name") == other.config.get("name") and not ordered:
                message = f"'{one.id}' and '{other.id}' may set '{one.config.get('name')}' at once."
                yield Issue("parallel_set", f"nodes.{other.id}.config.name", message, WARNING)
