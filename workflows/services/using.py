"""The models and tools a run is about to use, each with a hash of what it is now."""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from llms.fingerprint import fingerprint
from tools.catalogue import catalogue
from workflows.definition.graph import GraphDefinition
from workflows.registry import NODE_TYPES
from workflows.validation import World
from workflows.validation.subworkflows import settled, workflows_within

Given = Mapping[str, Any]  # what is known of a workflow's parameters


def used_by(graph: GraphDefinition, world: World) -> dict[str, str]:
    """The models and tools that a bound graph and the workflows within it name: `model:<name>`,
    `tool:<key>`.

    What cannot be resolved, or what only the run knows, is not among them. Asks the database for
    what `world` and the catalogue of tools do not know yet.
    """
    used = {}
    for node, given in _nodes(graph, world):
        kind = NODE_TYPES.get(node["type"])
        for name in _models(kind, node["config"], given):
            if (profile := world.model(name)) is not None:
                used[f"model:{profile.name}"] = fingerprint(profile)
        for key in _tools(kind, node["config"], given):
            if (tool := catalogue.get(key)) is not None:
                used[f"tool:{key}"] = tool.fingerprint
    return used


def hash_of_template(slug: str, declared: Mapping[str, Any]) -> dict[str, str]:
    """Of the parameters that it declares, their defaults too; its graph is the run's version."""
    told = json.dumps(declared, sort_keys=True)
    return {f"template:{slug}": sha256(told.encode()).hexdigest()}


def _nodes(graph: GraphDefinition, world: World) -> Iterator[tuple[Mapping[str, Any], Given]]:
    """Those of the graph and of the workflows within it, each with what its workflow is given."""
    yield from ((node, {}) for node in graph.content["nodes"])
    for inner, given in workflows_within(graph.content, world.workflow):
        yield from ((node, given) for node in inner["nodes"])


def _models(kind: Any, config: Mapping[str, Any], given: Given) -> Iterator[str]:
    if kind is not None and "model" in kind.settings():
        yield from _names(config.get("model") or "", given)
        yield from _names(config.get("fallbacks"), given)


def _tools(kind: Any, config: Mapping[str, Any], given: Given) -> Iterator[str]:
    if kind is not None and kind.tool:
        yield kind.tool
    if kind is not None and "tools" in kind.settings():
        yield from _names(config.get("tools"), given)


def _names(setting: Any, given: Given) -> Iterator[str]:
    parts = setting if isinstance(setting, list) else [setting]
    for value in settled(dict(enumerate(parts)), given).values():
        names = value if isinstance(value, list) else [value]
        yield from (name for name in names if isinstance(name, str))
