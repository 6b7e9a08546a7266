"""One pipeline of checks, used wherever a graph comes in: schema → structure → references.

`validate` never raises for a bad graph: it tells all its issues. A step that needs what the one
before it establishes (a graph that has a shape) runs only when that found no errors.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from workflows.definition.graph import GraphDefinition
from workflows.validation.issue import ERROR, Issue
from workflows.validation.references import check_references
from workflows.validation.schema import check_schema
from workflows.validation.structure import check_structure

STEPS = (check_structure, check_references)


def validate(graph: Any) -> list[Issue]:
    """Every issue of a graph given as JSON, errors and warnings."""
    issues = list(check_schema(graph))
    if errors_in(issues):
        return issues
    definition = GraphDefinition.model_validate(graph)
    for step in STEPS:
        issues += step(definition)
    return issues


def errors_in(issues: Iterable[Issue]) -> Sequence[Issue]:
    """Those that keep the graph from running."""
    return [issue for issue in issues if issue.severity == ERROR]


__all__ = ["Issue", "errors_in", "validate"]
