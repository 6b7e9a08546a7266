"""Workflows that run workflows: do they exist, how deep do they go, and do they ever end? (pure)"""

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.validation.issue import Issue, error, shown
from workflows.validation.schema import is_parameter
from workflows.validation.subject import Subject, World

_TYPE, _SETTING = "subworkflow", "definition"


class _Endless(Exception):
    """A workflow that leads to itself."""


class _TooDeep(Exception):
    """More workflows in one another than there may be."""


def check_subworkflows(subject: Subject) -> Iterator[Issue]:
    if subject.world is None:
        return
    below = _Below(subject.world, subject.within, subject.limits.workflow_depth)
    for node in subject.nodes:
        name = node.setting(_SETTING)
        if node.key == _TYPE and isinstance(name, str) and not is_parameter(name):
            yield from _told(node.path("config", _SETTING), name, below)


def _told(path: str, name: str, below: "_Below") -> Iterator[Issue]:
    try:
        if below.depth(name):
            return
        message = f"There is no workflow '{shown(name)}', or it is not yours."
        yield error("unknown_workflow", path, message)
    except _Endless:
        message = "This workflow would run itself, directly or through others."
        yield error("recursive_workflow", path, message)
    except _TooDeep:
        message = f"Workflows run in one another at most {below.most} deep."
        yield error("workflows_too_deep", path, message)


class _Below:
    """How deep workflows go, each looked at once."""

    def __init__(self, world: World, within: str | None, most: int) -> None:
        self.most = most
        self._world = world
        self._within = within
        self._above: list[str] = []
        self._known: dict[str, int] = {}

    def depth(self, name: str) -> int:
        """1 for one that runs no other, 0 for one that is not there. Raises _Endless, _TooDeep."""
        if name == self._within or name in self._above:
            raise _Endless
        if len(self._above) + self._known.get(name, 1) > self.most:
            raise _TooDeep
        if name not in self._known:
            graph = self._world.workflow(name)
            self._known[name] = 0 if graph is None else 1 + self._below(name, graph)
        return self._known[name]

    def _below(self, name: str, graph: Mapping[str, Any]) -> int:
        self._above.append(name)
        try:
            return max((self.depth(other) for other in _named_in(graph)), default=0)
        finally:
            self._above.pop()


def _named_in(graph: Mapping[str, Any]) -> list[str]:
    configs = [node["config"] for node in graph.get("nodes", ()) if node["type"] == _TYPE]
    names = (config.get(_SETTING) for config in configs)
    return [name for name in names if isinstance(name, str) and not is_parameter(name)]
