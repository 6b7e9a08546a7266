"""Which models the nodes of a graph ask (pure), by the settings that mean this in every type."""

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.validation.schema import is_parameter
from workflows.validation.subject import Node


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model by the name of its profile ("" is the default), and the setting that names it."""

    name: str
    path: str


def models_named_by(node: Node) -> Iterator[ModelName]:
    """The model of a node and those it falls back to; one that a parameter names is not known."""
    if node.has("model"):
        name = node.setting("model", "")
        if isinstance(name, str) and not is_parameter(name):
            yield ModelName(name, node.path("config", "model"))
    fallbacks = node.setting("fallbacks", ()) if node.has("fallbacks") else ()
    for at, name in enumerate(fallbacks if isinstance(fallbacks, list | tuple) else ()):
        if isinstance(name, str) and not is_parameter(name):
            yield ModelName(name, node.path("config", "fallbacks", at))
