"""One pipeline of checks, used wherever a graph comes in: save, import, execute, admin, API."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from core.limits import RunLimits
from workflows.definition.graph import GraphDefinition
from workflows.validation.bounds import Limits
from workflows.validation.capability import check_capability
from workflows.validation.document import check_document
from workflows.validation.estimates import check_estimates
from workflows.validation.issue import Issue, errors_in, path_of
from workflows.validation.limits import check_counts, check_limits
from workflows.validation.references import check_references
from workflows.validation.resources import check_resources
from workflows.validation.schema import read_graph, read_nodes
from workflows.validation.security import check_security
from workflows.validation.structure import check_structure
from workflows.validation.subject import NodeTypes, Subject, World
from workflows.validation.subworkflows import check_subworkflows
from workflows.validation.variables import check_collisions
from workflows.validation.worst_case import WorstCase, worst_case

Step = Callable[[Subject], Iterator[Issue]]

# After the schema, in this order; an issue stands where its step stands.
STEPS: Sequence[Step] = (
    check_structure,
    check_collisions,
    check_references,
    check_security,
    check_capability,
    check_resources,
    check_subworkflows,
    check_limits,
    check_estimates,
)
# When it starts, a stored graph is looked at again with its parameters in their places: not for how
# it was drawn, and not for secrets, for parameters are where they are to come from.
STEPS_OF_A_BOUND_GRAPH: Sequence[Step] = (check_collisions, check_references, check_limits)
STEPS_OF_A_START: Sequence[Step] = (check_capability, check_resources, check_subworkflows)
MOST_ISSUES = 500
_NO_LIMITS = RunLimits()


class WorkflowValidator:
    """Checks documents against these types of nodes. It never raises: it tells all there is."""

    def __init__(self, node_types: NodeTypes, limits: Limits) -> None:
        self._node_types = node_types
        self.limits = limits
        self._bound = lru_cache(maxsize=256)(self._look_at_bound)

    def validate(
        self,
        document: Any,
        *,
        world: World | None = None,
        params: Collection[str] | None = None,
        within: str | None = None,
        run: RunLimits = _NO_LIMITS,
    ) -> list[Issue]:
        """Every issue of a graph given as JSON, errors and warnings.

        Without a `world` what the graph names is not looked up; without `params` any may be named;
        `within` is the id of the workflow whose graph it is to become, `run` what limits its runs.
        A document that is no graph, or too large a one, is told so, and nothing more is looked at;
        else every step looks at all that could be read.
        """
        graph, issues = self._read(document)
        if graph is not None:
            subject, found = self._subject(graph)
            issues += found
            subject = replace(subject, world=world, params=params, within=within, run=run)
            issues += _taken(STEPS, subject)
        return _cut(issues)

    def validate_start(self, graph: GraphDefinition, world: World) -> list[Issue]:
        """The issues of a bound graph for who starts it; what does not depend on who is kept."""
        subject, issues = self._bound(graph.canonical)
        subject = replace(subject, world=world)
        return _cut([*issues, *_taken(STEPS_OF_A_START, subject)])

    def worst_case(self, graph: GraphDefinition, world: World, run: RunLimits) -> WorstCase:
        """What a run of a bound and sound graph may use at most."""
        subject, _ = self._subject(graph)
        return worst_case(replace(subject, world=world, run=run))

    def _look_at_bound(self, canonical: str) -> tuple[Subject, Sequence[Issue]]:
        graph = GraphDefinition.model_validate_json(canonical)
        subject, issues = self._subject(graph)
        return subject, (*issues, *_taken(STEPS_OF_A_BOUND_GRAPH, subject))

    def _subject(self, graph: GraphDefinition) -> tuple[Subject, list[Issue]]:
        nodes, issues = read_nodes(graph, self._node_types)
        return Subject(graph, nodes, self.limits, node_types=self._node_types), issues

    def _read(self, document: Any) -> tuple[GraphDefinition | None, list[Issue]]:
        for check in (check_document, check_counts):
            if issues := list(check(document, self.limits)):
                return None, issues
        return read_graph(document)


def _taken(steps: Sequence[Step], subject: Subject) -> Iterator[Issue]:
    for step in steps:
        yield from step(subject)


def _cut(issues: list[Issue]) -> list[Issue]:
    """At most MOST_ISSUES; the last then tells of the rest, as badly as the worst of them."""
    if len(issues) <= MOST_ISSUES:
        return issues
    kept, rest = issues[: MOST_ISSUES - 1], issues[MOST_ISSUES - 1 :]
    severity = (errors_in(rest) or rest)[0].severity
    return [*kept, Issue("more_issues", severity, path_of(), f"{len(rest)} more issues.")]
