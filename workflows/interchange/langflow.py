"""Langflow's export (`data: {nodes, edges}` with handles) as one of our workflows.

A link says from which output of one component to which field of another it goes. Prompts become
part of the texts that use them; the code that every component carries along is not looked at.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from workflows.interchange.assembly import Link, Step, row
from workflows.interchange.assembly import node as made
from workflows.interchange.foreign import (
    Conversion,
    ForeignNode,
    Known,
    asking,
    remembering,
    sampling,
)
from workflows.interchange.langflow_texts import Wiring
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import (
    Unsayable,
    compare_any_case,
    compare_numbers,
    compare_texts,
    literal,
    not_carried,
)
from workflows.interchange.report import Imported
from workflows.nodes.model import PARAMETERS

_PROVIDERS = {
    "OpenAIModel": "openai",
    "AnthropicModel": "anthropic",
    "OllamaModel": "ollama",
    "LanguageModelComponent": "",
    "LanguageModel": "",
}
_NUMBERS = {
    "less than": "<",
    "less than or equal": "<=",
    "greater than": ">",
    "greater than or equal": ">=",
}


def is_langflow(document: Loose) -> bool:
    first = next(document.each("data", "nodes"), Loose())
    return bool(first.keys("data"))


def read_langflow(document: Loose, known: Known) -> Imported:
    nodes = [_node(one) for one in document.each("data", "nodes")]
    wires = [_wire(one) for one in document.each("data", "edges")]
    conversion = Conversion(
        source="langflow",
        name=document.text("name"),
        description=document.text("description"),
        nodes={one.id: one for one in nodes},
        links=[Link(source, output, target) for source, output, target, _ in wires],
        known=known,
    )
    wiring = Wiring(conversion, {(target, name): source for source, _, target, name in wires})
    for key in sorted(conversion.nodes, key=lambda key: _converter(conversion.nodes[key].type)[0]):
        _converter(conversion.nodes[key].type)[1](wiring, key)
    return conversion.done()


def _node(one: Loose) -> ForeignNode:
    kind = one.text("data", "type") or one.text("type")
    title = one.text("data", "node", "display_name") or one.text("data", "display_name") or kind
    place = (one.number("position", "x") or 0.0, one.number("position", "y") or 0.0)
    template = one.at("data", "node", "template")
    return ForeignNode(one.text("id"), kind, title, template, place)


def _wire(one: Loose) -> tuple[str, str, str, str]:
    """Source, its output, target, its field. Old exports have the handles as text only."""
    handles = {
        side: one.at("data", side) if one.keys("data", side) else _handle(one.text(side))
        for side in ("sourceHandle", "targetHandle")
    }
    output = handles["sourceHandle"].text("name")
    return one.text("source"), output, one.text("target"), handles["targetHandle"].text("fieldName")


def _handle(text: str) -> Loose:
    try:
        return Loose(json.loads(text.replace("œ", '"')))
    except (ValueError, RecursionError):
        return Loose()


def _input(wiring: Wiring, key: str) -> None:
    wiring.conversion.start(key)


def _output(wiring: Wiring, key: str) -> None:
    name = wiring.conversion.id_of(key, "end")
    title = wiring.conversion.nodes[key].title
    wiring.conversion.take(key, Step((made(name, "end", title, {}),)))


def _prompt(wiring: Wiring, key: str) -> None:
    wiring.conversion.leave_out(key, "")
    wiring.conversion.reports[key].notes = ["Its text stands where it was used."]
    wiring.conversion.reports[key].outcome = "approximated"


def _memory(wiring: Wiring, key: str) -> None:
    wiring.conversion.leave_out(key, "")
    report = wiring.conversion.reports[key]
    report.notes = ["A memory node stands before each model that used it, which sees the messages."]
    report.outcome = "approximated"


def _model(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    one, report = conversion.nodes[key], conversion.reports[key]
    remembered: dict[str, None] = {}
    system = wiring.text(key, "system_message", remembered)
    question = wiring.text(key, "input_value", remembered)
    provider = _PROVIDERS[one.type] or one.data.text("provider", "value").lower()
    model = one.data.text("model_name", "value")
    config: dict[str, Any] = {
        "model": conversion.model(key, f"{provider}:{model}" if provider and model else ""),
        "system": system,
        **sampling(report, _parameters(one.data)),
    }
    nodes = asking(conversion, key, config, question, wiring.arriving(key, "input_value"))
    if remembered:
        window = conversion.nodes[next(iter(remembered))].data.number("n_messages", "value")
        name = conversion.names.new(f"{nodes[-1]['id']}_memory", "memory")
        nodes.insert(0, remembering(name, one.title, window))
    conversion.take(key, row(*nodes))


def _parameters(data: Loose) -> dict[str, Any]:
    """Those that a model node has too; 0 is how Langflow says that an answer may be any length."""
    found: dict[str, Any] = {name: data.number(name, "value") for name in PARAMETERS}
    stops = data.text("stop_tokens", "value")
    found["stop"] = [text for text in stops.split(",") if text and "{{" not in text]
    return {**found, "max_tokens": found["max_tokens"] or None}


def _router(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    one, report = conversion.nodes[key], conversion.reports[key]
    try:
        condition = _comparison(wiring, key)
    except Unsayable as error:
        report.note(f"Its condition is never true, for {error}.")
        condition = "false"
    for name in ("true_case_message", "false_case_message"):
        if one.data.text(name, "value"):
            report.note(f"The text that arrives goes on in place of '{name}'.")
    name = conversion.id_of(key, "condition")
    exits = {"true_result": (name, "true"), "false_result": (name, "false")}
    node = made(name, "conditional", one.title, {"condition": condition})
    conversion.take(key, Step((node,), exits=exits))


def _comparison(wiring: Wiring, key: str) -> str:
    data = wiring.conversion.nodes[key].data
    operator, text = data.text("operator", "value") or "equals", data.text("match_text", "value")
    name = wiring.name(key, "input_text")
    if not name:
        raise Unsayable("nothing is known of what it compares")
    if wiring.is_linked(key, "match_text"):
        raise Unsayable("it compares with a text that is not a constant")
    if operator in _NUMBERS:
        return compare_numbers(_NUMBERS[operator], name, text)
    if operator == "regex":
        return f"{name}.matches({literal(f'^(?:{text})')})"
    if data.true("case_sensitive", "value"):
        return compare_texts(operator, name, literal(text))
    return compare_any_case(operator, name, text)


def _leave_out(kind: str, wiring: Wiring, key: str) -> None:
    reason = (
        "A note on the canvas; it changes nothing."
        if "note" in kind.lower()
        else not_carried(kind, "component")
    )
    wiring.conversion.leave_out(key, reason)


# Their order: what others are made of is looked at first.
_KNOWN: dict[str, tuple[int, Callable[[Wiring, str], None]]] = {
    "Prompt": (1, _prompt),
    "Prompt Template": (1, _prompt),
    "Memory": (1, _memory),
    "MessageHistory": (1, _memory),
    "ChatInput": (2, _input),
    "TextInput": (2, _input),
    "ConditionalRouter": (3, _router),
    **dict.fromkeys(_PROVIDERS, (3, _model)),
    "ChatOutput": (3, _output),
    "TextOutput": (3, _output),
}


def _converter(kind: str) -> tuple[int, Callable[[Wiring, str], None]]:
    return _KNOWN.get(kind) or (0, partial(_leave_out, kind))
