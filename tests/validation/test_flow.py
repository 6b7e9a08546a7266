"""What can happen in one run is what some choice of ports leads to."""

from itertools import combinations, product
from typing import Any

from hypothesis import given

from tests.laws.graphs import graphs
from workflows.definition.graph import GraphDefinition
from workflows.validation.flow import flow_of


@given(graphs())
def test_two_nodes_may_run_at_once_if_some_choice_of_ports_reaches_both(
    graph: dict[str, Any],
) -> None:
    definition = GraphDefinition.model_validate(graph)
    ids = [node.id for node in definition.nodes]
    flow = flow_of(ids, definition.edges, ["start"], {})
    runs = list(_runs(definition))
    before = {node: _before(definition, node) for node in ids}
    for one, other in combinations(ids, 2):
        ordered = one in before[other] or other in before[one]
        together = any({one, other} <= run for run in runs)
        assert flow.at_once(one, other) == (together and not ordered)
        assert flow.comes_before(one, other) == (one in before[other])


def _runs(graph: GraphDefinition) -> Any:
    """The nodes of every run there can be."""
    choosing = [node.id for node in graph.nodes if node.type == "conditional"]
    for ports in product(("true", "false"), repeat=len(choosing)):
        chosen = dict(zip(choosing, ports, strict=True))
        taken = [e for e in graph.edges if e.source_port == chosen.get(e.source, "out")]
        yield _closed({"start"}, {(edge.source, edge.target) for edge in taken})


def _before(graph: GraphDefinition, node: str) -> set[str]:
    backwards = {(edge.target, edge.source) for edge in graph.edges}
    return _closed({source for target, source in backwards if target == node}, backwards)


def _closed(found: set[str], steps: set[tuple[str, str]]) -> set[str]:
    while more := {to for origin, to in steps if origin in found} - found:
        found = found | more
    return found
