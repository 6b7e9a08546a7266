"""What asks a model in an imported graph: its settings, its question, and what it remembers."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from workflows.interchange.assembly import make_node
from workflows.interchange.foreign import Conversion
from workflows.interchange.report import NodeReport
from workflows.nodes.model import Config

_SHOWN = 80


def sampling(report: NodeReport, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a model node, as far as they are set and in bounds."""
    settings: dict[str, Any] = {}
    for name, value in asked.items():
        if value is None or value == []:
            continue
        try:
            checked = Config.model_validate({name: value})
        except ValidationError:
            report.note(f"The {name} {str(value)[:_SHOWN]} is out of bounds and was dropped.")
        else:
            settings |= checked.model_dump(mode="json", include={name})
    return settings


def asking(
    conversion: Conversion,
    key: str,
    config: Mapping[str, Any],
    question: str,
    arriving: Collection[str],
) -> list[dict[str, Any]]:
    """A model node, which asks about the text that arrives, after what makes the question of it.

    A question that is not just that text becomes a prompt node; where there are none, it is told
    with the instructions.
    """
    title, name = conversion.nodes[key].title, conversion.id_of(key, "model")
    if question in {"", *(f"{{{{{one}}}}}" for one in arriving)}:
        return [make_node(name, "model", title, config)]
    if "prompt" in conversion.known.kinds:
        prompt = conversion.names.new(f"{name}_question", "prompt")
        asked = make_node(prompt, "prompt", f"{title}: question", {"template": question})
        return [asked, make_node(name, "model", title, config)]
    report = conversion.reports[key]
    report.note("Its question became part of the instructions; it is asked about what arrives.")
    system = "\n\n".join(filter(None, (config["system"], question)))
    return [make_node(name, "model", title, {**config, "system": system})]


def remembering(name: str, title: str, window: float | None) -> dict[str, Any]:
    """A memory node before a model; without a window it takes 50 messages."""
    size = 50 if window is None else int(min(max(window, 0), 1000))
    return make_node(name, "memory", f"{title}: memory", {"window": size, "summarise": False})
