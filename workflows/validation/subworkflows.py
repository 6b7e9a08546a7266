"""Workflows that run workflows: do they exist, how deep do they go, and do they ever end? (pure)"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workflows.definition.binding import bound
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import GraphDefinition
from workflows.definition.nesting import NESTING, workflow_name, workflows_named
from workflows.definition.references import expressions_in, references_in
from workflows.validation.issue import Issue, error, shortened
from workflows.validation.schema import is_parameter, unfit_settings
from workflows.validation.subject import Node, NodeTypes, Subject

_TESTED = re.compile(r"\bhas\s*\(\s*params\s*\.\s*([A-Za-z_]\w*)")


class _Endless(Exception):
    """A workflow that leads to itself."""


class _TooDeep(Exception):
    """More workflows in one another than there may be."""


def check_subworkflows(subject: Subject) -> Iterator[Issue]:
    if subject.world is None:
        return
    below = _Below(subject)
    for node in subject.nodes:
        if node.key in NESTING and (name := known_name(node)):
            yield from _issues_of(node.path("config", "definition"), name, below)
            yield from _given(node, subject.workflow(name), subject.node_types)


def known_name(node: Node) -> str:
    """The workflow a node runs, unless a parameter is still to say so."""
    settings = {name: node.setting(name) for name in ("definition", "version")}
    return "" if any(map(is_parameter, settings.values())) else workflow_name(settings)


def filled(graph: Mapping[str, Any], node: Node) -> GraphDefinition:
    """The workflow that a node runs, with its parameters in their places, where they are known."""
    whole, parameters = GraphDefinition.model_validate(graph), node.setting("parameters", {})
    if any(expressions_in(parameters)):
        return whole
    try:
        return bound(whole, parameters)
    except BadExpression:
        return whole


def _issues_of(path: str, name: str, below: "_Below") -> Iterator[Issue]:
    try:
        if below.depth(name):
            return
        message = f"There is no workflow '{shortened(name)}', or it is not yours."
        yield error("unknown_workflow", path, message)
    except _Endless:
        message = "This workflow would run itself, directly or through others."
        yield error("recursive_workflow", path, message)
    except _TooDeep:
        message = f"Workflows run in one another at most {below.most} deep."
        yield error("workflows_too_deep", path, message)


def _given(
    node: Node, graph: Mapping[str, Any] | None, node_types: NodeTypes | None
) -> Iterator[Issue]:
    """Parameters that the workflow needs and does not get from the node, or cannot take."""
    given, path = node.setting("parameters", {}), node.path("config", "parameters")
    if graph is None or node_types is None or not isinstance(given, Mapping):
        return
    for name in sorted(_needed(graph) - {*given}):
        message = f"The workflow needs the parameter '{shortened(name)}'."
        yield error("missing_parameter", path, message, "Give it here, as a value or {{ … }}.")
    for unfit in unfit_settings(filled(graph, node), node_types):
        message = f"The workflow cannot run with these: {unfit.path}: {unfit.message}"
        yield error("bad_parameters", path, message)


def _needed(graph: Mapping[str, Any]) -> set[str]:
    configs = [node["config"] for node in graph.get("nodes", ())]
    used = {name.split(".")[1] for name in references_in(configs) if name.startswith("params.")}
    tested = {name for _, text in expressions_in(configs) for name in _TESTED.findall(text)}
    return used - tested


class _Below:
    """How deep workflows go, each looked at once. One leads to itself in whichever version."""

    def __init__(self, subject: Subject) -> None:
        self.most = subject.limits.workflow_depth
        self._subject = subject
        self._above: list[str] = []
        self._known: dict[str, int] = {}

    def depth(self, name: str) -> int:
        """1 for one that runs no other, 0 for one that is not there. Raises _Endless, _TooDeep."""
        if _id(name) == self._subject.within or _id(name) in self._above:
            raise _Endless
        if len(self._above) + self._known.get(name, 1) > self.most:
            raise _TooDeep
        if name not in self._known:
            graph = self._subject.workflow(name)
            self._known[name] = 0 if graph is None else 1 + self._below(name, graph)
        return self._known[name]

    def _below(self, name: str, graph: Mapping[str, Any]) -> int:
        self._above.append(_id(name))
        try:
            return max((self.depth(other) for other in workflows_named(graph)), default=0)
        finally:
            self._above.pop()


def _id(name: str) -> str:
    return name.partition("@")[0]
