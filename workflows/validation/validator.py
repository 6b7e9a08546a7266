"""One pipeline of checks, used wherever a graph comes in: save, import, execute, admin, API."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

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
from workflows.validation.variables import check_collisions

Step = Callable[[Subject], Iterator[Issue]]

# After the schema, in this order; an issue stands where its step stands.
STEPS: Sequence[Step] = (
    check_structure,
    check_collisions,
    check_references,
    check_security,
    check_capability,
    check_resources,
    check_limits,
    check_estimates,
)
# What is given to a graph when it starts is checked again, but for what it was drawn as, and but
# for secrets: to be given is what they are kept out of the graph for.
STEPS_OF_A_START: Sequence[Step] = (
    check_references,
    check_capability,
    check_resources,
    check_limits,
)
MOST_ISSUES = 500


class WorkflowValidator:
    """Checks documents against these types of nodes. It never raises: it tells all there is."""

    def __init__(self, node_types: NodeTypes, limits: Limits) -> None:
        self._node_types = node_types
        self._limits = limits

    def validate(
        self,
        document: Any,
        *,
        world: World | None = None,
        params: Collection[str] | None = None,
    ) -> list[Issue]:
        """Every issue of a graph given as JSON, errors and warnings.

        Without a `world` what the graph names is not looked up; without `params` any may be named.
        A document that is no graph, or too large a one, is told so, and nothing more is looked at;
        else every step looks at all that could be read.
        """
        graph, issues = self._read(document)
        if graph is not None:
            issues += self._checked(graph, STEPS, world, params)
        return _cut(issues)

    def validate_start(self, graph: GraphDefinition, world: World) -> list[Issue]:
        """The issues of a stored graph that got its parameters, for who starts it."""
        return _cut(list(self._checked(graph, STEPS_OF_A_START, world, None)))

    def _checked(
        self,
        graph: GraphDefinition,
        steps: Sequence[Step],
        world: World | None,
        params: Collection[str] | None,
    ) -> Iterator[Issue]:
        nodes, issues = read_nodes(graph, self._node_types)
        yield from issues
        subject = Subject(graph, nodes, self._limits, params, world)
        for step in steps:
            yield from step(subject)

    def _read(self, document: Any) -> tuple[GraphDefinition | None, list[Issue]]:
        for check in (check_document, check_counts):
            if issues := list(check(document, self._limits)):
                return None, issues
        return read_graph(document)


def _cut(issues: list[Issue]) -> list[Issue]:
    """At most MOST_ISSUES; the last then tells of the rest, as badly as the worst of them."""
    if len(issues) <= MOST_ISSUES:
        return issues
    kept, rest = issues[: MOST_ISSUES - 1], issues[MOST_ISSUES - 1 :]
    severity = (errors_in(rest) or rest)[0].severity
    return [*kept, Issue("more_issues", severity, path_of(), f"{len(rest)} more issues.")]
