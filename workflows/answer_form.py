"""The form of an approval on a page: fields made from its JSON schema, and the answer they give.

Texts, numbers, yes or no, and choices have fields of their own; whatever else a schema may ask for
is written as JSON. (pure)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from core import json_values

_PREFIX = "answer."
_WHOLE = "answer"
_KINDS = {"string": "text", "number": "number", "integer": "integer", "boolean": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """`value` is JSON, as the field sends it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class AnswerField:
    """One field; `name` is that of its input, `key` that of the property (None: the whole answer).

    `kind` is text, number, integer, boolean, choice or json. Left empty, one that is `nullable` is
    null, where its key must be there; others are left out.
    """

    key: str | None
    name: str
    label: str
    kind: str
    required: bool = False
    nullable: bool = False
    help: str = ""
    value: str = ""
    choices: Sequence[Choice] = ()


class Unreadable(ValueError):
    """A field that cannot be read; `errors` as the API tells them."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        self.errors = list(errors)
        super().__init__("The answer cannot be read.")


def fields_of(
    schema: Mapping[str, Any], sent: Mapping[str, str] | None = None
) -> list[AnswerField]:
    """The fields of a schema, those that are required first.

    They are filled with what was `sent` before, or else with their defaults.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or schema.get("type", "object") != "object":
        return [_field(None, schema, sent, required=True)]
    required = schema.get("required", ())
    fields = [_field(key, one, sent, required=key in required) for key, one in properties.items()]
    return sorted(fields, key=lambda field: not field.required)


def answer_of(schema: Mapping[str, Any], sent: Mapping[str, str]) -> Any:
    """The answer that the fields give. Raises Unreadable."""
    answer: dict[str, Any] = {}
    errors: list[Mapping[str, str]] = []
    fields = fields_of(schema, sent)
    for field in fields:
        if not (text := sent.get(field.name, "")).strip():
            if field.nullable and field.key is not None:
                answer[field.key] = None
            if field.required and field.key is not None:
                errors.append({"path": field.name, "code": "required", "message": _MISSING})
            continue
        try:
            value = _read(field, text)
        except ValueError:
            message = _UNREADABLE[field.kind]
            errors.append({"path": field.name, "code": "unreadable", "message": message})
            continue
        if field.key is None:
            return value
        answer[field.key] = value
    if errors:
        raise Unreadable(errors)
    return None if fields and fields[0].key is None else answer


_MISSING = "This is needed."
_UNREADABLE = {
    "text": "This is no text.",
    "number": "This is not a number.",
    "integer": "This is not a whole number.",
    "boolean": "Choose one of these.",
    "choice": "Choose one of these.",
    "json": "This is not JSON.",
}


def _field(
    key: str | None, schema: Any, sent: Mapping[str, str] | None, *, required: bool
) -> AnswerField:
    schema = schema if isinstance(schema, Mapping) else {}
    name = _WHOLE if key is None else f"{_PREFIX}{key}"
    kind, nullable = _kind(schema)
    if sent is not None:
        value = sent.get(name, "")
    else:
        value = _shown(schema["default"], kind) if "default" in schema else ""
    return AnswerField(
        key=key,
        name=name,
        label=str(schema.get("title") or key or "Answer"),
        kind=kind,
        required=required and not nullable,
        nullable=required and nullable,
        help=str(schema.get("description") or ""),
        value=value,
        choices=_choices(schema, kind),
    )


def _kind(schema: Mapping[str, Any]) -> tuple[str, bool]:
    """And whether the field may be left empty for null."""
    if isinstance(schema.get("enum"), list):
        return "choice", False
    told = schema.get("type")
    types = told if isinstance(told, list) else [told]
    kinds = [_KINDS.get(one, "json") for one in types if isinstance(one, str) and one != "null"]
    kind = kinds[0] if len(kinds) == 1 else "json"
    return kind, "null" in types and kind != "json"


def _choices(schema: Mapping[str, Any], kind: str) -> Sequence[Choice]:
    if kind == "boolean":
        return Choice("true", "yes"), Choice("false", "no")
    if kind != "choice":
        return ()
    return [
        Choice(json.dumps(one), one if isinstance(one, str) else json.dumps(one))
        for one in schema["enum"]
    ]


def _shown(value: Any, kind: str) -> str:
    if value is None and kind not in ("choice", "json"):
        return ""
    return value if kind == "text" and isinstance(value, str) else json.dumps(value)


def _read(field: AnswerField, text: str) -> Any:
    """The value of a field. Raises ValueError."""
    if field.kind == "text":
        return json_values.plain_text(text)
    if field.kind in ("boolean", "choice") and text not in [one.value for one in field.choices]:
        raise ValueError
    if field.kind == "integer":
        return json_values.storable(int(text))
    if field.kind == "number":
        text = _as_json(text)
    value = json_values.read(text)
    if field.kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError
    return value


def _as_json(number: str) -> str:
    """A number as JSON writes it: browsers send `.5` and `007` as they were typed."""
    try:
        return str(Decimal(number.strip()))
    except InvalidOperation as error:
        raise ValueError from error
