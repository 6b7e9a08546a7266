"""Workflows that run workflows: do they exist, how deep do they go, and do they ever end? (pure)"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from workflows.definition.binding import bound
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import GraphDefinition
from workflows.definition.nesting import NESTING, workflow_name
from workflows.definition.references import bind, expressions_in, references_in
from workflows.validation.issue import Issue, error, shortened
from workflows.validation.schema import is_parameter, unfit_settings
from workflows.validation.subject import Node, NodeTypes, Subject

_MOST_LOOKED_AT = 1_000  # with what they are given; then without
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
            yield from _issues_of(node, name, below)
            yield from _given(node, subject.workflow(name), subject.node_types)


def known_name(node: Node) -> str:
    """The workflow a node runs, unless a parameter is still to say so."""
    settings = {name: node.setting(name) for name in ("definition", "version")}
    return "" if any(map(is_parameter, settings.values())) else workflow_name(settings)


def filled(graph: Mapping[str, Any], node: Node, node_types: NodeTypes) -> GraphDefinition:
    """The workflow that a node runs, with its parameters in their places, where they are known."""
    whole, parameters = GraphDefinition.model_validate(graph), node.setting("parameters", {})
    if any(expressions_in(parameters)):
        return whole
    try:
        return bound(whole, parameters, node_types)
    except BadExpression:
        return whole


def settled(settings: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are known before the run, once this is in the places of the parameters."""
    found = {}
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        try:
            value = bind(value, {"params": given}, only="params")
        except BadExpression:
            continue
        if not any(expressions_in(value)):
            found[name] = value
    return found


def workflows_within(
    graph: Mapping[str, Any], workflow: Callable[[str], Mapping[str, Any] | None]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The workflows that a valid graph runs, also those within them, with what is known of their
    parameters; one that is given several things comes several times.
    """
    met: set[str] = set()
    left = list(_named(graph, {}))
    while left:
        name, given = left.pop()
        given = given if len(met) < _MOST_LOOKED_AT else {}
        inner, key = workflow(name), f"{name} {json.dumps(given, sort_keys=True)}"
        if inner is not None and key not in met:
            met.add(key)
            left += _named(inner, given)
            yield inner, given


def _issues_of(node: Node, name: str, below: "_Below") -> Iterator[Issue]:
    path = node.path("config", "definition")
    try:
        if below.depth(name, settled(node.setting("parameters", {}), {})):
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
    for unfit in unfit_settings(filled(graph, node, node_types), node_types):
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

    def depth(self, name: str, given: Mapping[str, Any] = MappingProxyType({})) -> int:
        """1 for one that runs no other, 0 for one that is not there. Raises _Endless, _TooDeep."""
        given = given if len(self._known) < _MOST_LOOKED_AT else {}
        key = f"{name} {json.dumps(given, sort_keys=True)}"
        if _id(name) == self._subject.within or _id(name) in self._above:
            raise _Endless
        if len(self._above) + self._known.get(key, 1) > self.most:
            raise _TooDeep
        if key not in self._known:
            graph = self._subject.workflow(name)
            self._known[key] = 0 if graph is None else 1 + self._below(name, graph, given)
        return self._known[key]

    def _below(self, name: str, graph: Mapping[str, Any], given: Mapping[str, Any]) -> int:
        self._above.append(_id(name))
        try:
            return max((self.depth(*other) for other in _named(graph, given)), default=0)
        finally:
            self._above.pop()


def _named(graph: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The workflows that a graph runs when it is given this, each with what is known of its own."""
    for node in graph.get("nodes", ()):
        if node["type"] in NESTING:
            named = {key: node["config"].get(key) for key in ("definition", "version")}
            found = settled(named, given)
            if len(found) == len(named) and (name := workflow_name(found)):
                yield name, settled(node["config"].get("parameters", {}), given)


def _id(name: str) -> str:
    return name.partition("@")[0]
