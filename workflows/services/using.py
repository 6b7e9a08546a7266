"""The models and tools a run is about to use, each with a hash of what it is now."""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from llms.fingerprint import fingerprint
from tools.catalogue import catalogue
from workflows.registry import NODE_TYPES
from workflows.validation import World
from workflows.validation.schema import is_parameter


def used_by(graphs: Iterable[Mapping[str, Any]], world: World) -> dict[str, str]:
    """The models and tools that these graphs, given as JSON, name: `model:<name>`, `tool:<key>`.

    What cannot be resolved, or what only the run knows, is not among them. Asks the database for
    what `world` and the catalogue of tools do not know yet.
    """
    used = {}
    for node in (node for graph in graphs for node in graph["nodes"]):
        kind = NODE_TYPES.get(node["type"])
        for name in _models(kind, node["config"]):
            if (profile := world.model(name)) is not None:
                used[f"model:{profile.name}"] = fingerprint(profile)
        for key in _tools(kind, node["config"]):
            if (tool := catalogue.get(key)) is not None:
                used[f"tool:{key}"] = tool.fingerprint
    return used


def hash_of_template(slug: str, declared: Mapping[str, Any]) -> dict[str, str]:
    """Of the parameters that it declares, their defaults too; its graph is the run's version."""
    told = json.dumps(declared, sort_keys=True)
    return {f"template:{slug}": sha256(told.encode()).hexdigest()}


def _models(kind: Any, config: Mapping[str, Any]) -> Iterator[str]:
    if kind is None or "model" not in kind.settings():
        return
    for name in (config.get("model") or "", *(config.get("fallbacks") or ())):
        if isinstance(name, str) and not is_parameter(name):
            yield name


def _tools(kind: Any, config: Mapping[str, Any]) -> Iterator[str]:
    if kind is not None and kind.tool:
        yield kind.tool
    if kind is not None and "tools" in kind.settings():
        yield from (key for key in config.get("tools") or () if isinstance(key, str))
