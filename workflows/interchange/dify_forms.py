"""What a human-input node of Dify asks people, as the form of an approval; and what they answer."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workflows.definition.reading import MAX_CHARACTERS
from workflows.engine.pausing import APPROVED, REJECTED
from workflows.engine.structured import check_schema
from workflows.interchange.foreign import NAME, Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import literal, where, whole
from workflows.interchange.requests import is_secret

TIMEOUT = "__timeout"
ACTION, _WORDS, RENDERED = "__action_id", "__action_value", "__rendered_content"
_MOST_ACTIONS = 20
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,36}")
_KINDS = {"paragraph", "select", "text-input", "text_input"}


def actions_of(data: Loose) -> dict[str, str]:
    """The buttons below the form, and the words on each."""
    named = {one.text("id"): one.text("title") for one in data.each("user_actions")}
    known = [(one, words) for one, words in named.items() if _ID.fullmatch(one)]
    return dict(known[:_MOST_ACTIONS])


def asked_of(data: Loose) -> dict[str, Loose]:
    """The fields that can be asked for here, as the file has them."""
    named = {one.text("output_variable_name"): one for one in data.each("inputs")}
    return {
        name: one
        for name, one in named.items()
        if one.text("type") in _KINDS and NAME.fullmatch(name)
    }


def field_of(one: Loose) -> dict[str, Any]:
    """The schema of a field; a text may stay empty, as there."""
    if begins_with(one):
        return {"type": "string"}
    if one.text("type") == "select":
        options = list(dict.fromkeys(one.texts("option_source", "value")))
        return {"type": "string"} | (
            {"enum": options} if all(map(_is_kept, options)) and options else {}
        )
    default = one.text("default", "value")
    return {"type": "string"} | ({"default": default} if default and _is_kept(default) else {})


def begins_with(one: Loose) -> list[str]:
    """The selector of what a field is filled with, or may be filled with, in a run."""
    for name in ("default", "option_source"):
        if one.text(name, "type") == "variable":
            return one.texts(name, "selector")
    return []


def _is_kept(text: str) -> bool:
    """Double braces in a form would be references here."""
    return "{{" not in text and not is_secret(text)


def is_chosen(data: Loose) -> bool:
    """Whether the form asks for the action, too; who rejects fills in nothing."""
    return len(actions_of(data)) > (1 if asked_of(data) else 2)


def form_of(data: Loose) -> dict[str, Any] | None:
    """The JSON schema of all that is asked; None: nothing is but whether to approve."""
    fields, actions = (
        {name: field_of(one) for name, one in asked_of(data).items()},
        actions_of(data),
    )
    if is_chosen(data):
        told = "; ".join(f"{one}: {words}" for one, words in actions.items())
        about = {"title": "Action", "description": told.replace("{{", "{ {")}
        fields[ACTION] = {"type": "string", "enum": [*actions], **about}
    if not fields:
        return None
    needed = [name for name, field in fields.items() if "enum" in field]
    return {"type": "object", "properties": fields, "required": needed}


def is_askable(data: Loose) -> bool:
    """Whether there is something to decide, by a form that is not too large."""
    try:
        check_schema(form_of(data) or {})
    except ValueError:
        return False
    return bool(actions_of(data))


def decided_by(data: Loose) -> dict[str, str]:
    """Where no form asks for it, the action that each decision stands for.

    Of two, that with the button that stands out approves, or the first.
    """
    actions = list(actions_of(data))[:2]
    styles = {one.text("id"): one.text("button_style") for one in data.each("user_actions")}
    actions.sort(key=lambda one: styles[one] != "primary")
    return dict(zip((APPROVED, REJECTED), actions, strict=False))


def is_decision(name: str, decision: str) -> str:
    return f"nodes.{name}.decision == {literal(decision)}"


def is_taken(name: str, action: str) -> str:
    """Whether the form, which asked for the action, was given this one."""
    return f"nodes.{name}.answer.{ACTION} == {literal(action)}"


def answered(conversion: Conversion, key: str, path: list[str], at: str) -> str:
    """An expression for what people answered, where `at` stands; empty if they cannot have."""
    name = conversion.id_of(key, "approval")
    if key not in conversion.answers:
        conversion.answers[key] = dict(_answers(conversion.nodes[key].data.at("data"), name))
    asked, said = conversion.answers[key].get(".".join(path), ([], ""))
    if said:
        said = where([*conversion.visited(key, name, at), *asked], said)
    return said if len(said) <= MAX_CHARACTERS else ""


def _answers(data: Loose, name: str) -> Iterator[tuple[str, tuple[list[str], str]]]:
    """What a node leaves: what has to hold for it to be there, and an expression for it."""
    approved = is_decision(name, APPROVED)
    for one in asked_of(data):
        field = f"nodes.{name}.answer.{one}"
        yield one, ([approved, f"has({field})"], field)
    actions = actions_of(data)
    if is_chosen(data):
        taken = {one: is_taken(name, one) for one in actions}
        yield ACTION, ([], whole(where([approved], f"nodes.{name}.answer.{ACTION}")))
        yield _WORDS, ([], whole(where([approved], whole(_first_of(taken, actions)))))
    else:
        taken = {one: is_decision(name, said) for said, one in decided_by(data).items()}
        yield ACTION, ([], whole(_first_of(taken, {one: one for one in actions})))
        yield _WORDS, ([], whole(_first_of(taken, actions)))


def _first_of(taken: Mapping[str, str], told: Mapping[str, str]) -> str:
    """What is told of the action that was taken; empty if none was."""
    said = "''"
    for action, test in reversed([*taken.items()]):
        said = where([test], literal(told[action]), said)
    return said
