"""Do expressions parse, and do references name what a run has?"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import ValidationError

from workflows.definition.expressions import NAMES, BadExpression, parse
from workflows.definition.graph import GraphDefinition, NodeSpec
from workflows.definition.reading import names_of
from workflows.definition.references import expressions_in
from workflows.registry import NODE_TYPES
from workflows.validation.issue import WARNING, Issue


def check_references(graph: GraphDefinition) -> Iterator[Issue]:
    before = _ancestors(graph)
    for node in graph.nodes:
        for path, expression in expressions_in(_typed(node), f"nodes.{node.id}.config"):
            yield from _expression(expression, path, before.get(node.id, set()))
    yield from _parallel_sets(graph, before)


def _typed(node: NodeSpec) -> Any:
    """The configuration, in which its type knows what is an expression without braces."""
    kind = NODE_TYPES.get(node.type)
    try:
        return node.config if kind is None else kind.config.model_validate(node.config).model_dump()
    except ValidationError:  # a parameter stands where a number is to be
        return node.config


def _expression(text: str, path: str, before: set[str]) -> Iterator[Issue]:
    issues = [issue for name in names_of(text) for issue in _reference(name, path, before)]
    if not issues:
        try:
            parse(text)
        except BadExpression as error:
            issues = [Issue(error.code, path, str(error))]
    yield from issues


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
