"""From what was delivered to the input of a run, by expressions (pure)."""

import re
from collections.abc import Mapping
from typing import Any

from core import json_values
from core.errors import Invalid
from workflows.definition.expressions import Allowance, BadExpression, evaluate, parse

NAMES = ("payload", "headers", "query")
WHOLE = {"message": "string(payload)"}
MOST_NAMES = 50
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_READABLE_HEADERS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})
_CUSTOM = "x-"
_SECRET = re.compile(
    r"signature|auth|token|secret|key|cookie|csrf|forwarded|real-ip|session"
    r"|hmac|passw|pwd|credential|jwt|bearer|assertion|oidc|client-cert"
)
_LONGEST_HEADER = 1_000


class BadMapping(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "webhook_bad_mapping"
    message = "The mapping does not make an input."


class PayloadUnfit(Invalid):
    """What was delivered lacks something that the mapping names."""

    code = "webhook_payload_unfit"
    message = "{reason}"


class MalformedPayload(Invalid):
    code = "webhook_malformed_payload"
    message = (
        "The body is not what its Content-Type says: JSON or, of any other type, text in UTF-8."
    )


def checked_mapping(mapping: Mapping[str, str]) -> dict[str, str]:
    """As it is kept. Raises BadMapping."""
    errors = [
        {"path": f"mapping.{name}", "code": "bad_expression", "message": flaw}
        for name, text in mapping.items()
        if (flaw := _flaw(name, text))
    ]
    if len(mapping) > MOST_NAMES:
        flaw = f"An input has at most {MOST_NAMES} names."
        errors.append({"path": "mapping", "code": "too_many", "message": flaw})
    if errors:
        raise BadMapping(errors=errors)
    return dict(mapping or WHOLE)


def _flaw(name: str, text: str) -> str:
    if not _NAME.fullmatch(name):
        return "A name has letters, digits and '_', 64 at most."
    try:
        parse(text, NAMES)
    except BadExpression as error:
        return str(error)
    return ""


def mapped(mapping: Mapping[str, str], delivered: Mapping[str, Any]) -> dict[str, Any]:
    """The input of a run; its expressions share what may be worked. Raises PayloadUnfit."""
    shared = Allowance()
    try:
        return {name: evaluate(text, delivered, shared) for name, text in mapping.items()}
    except BadExpression as error:
        raise PayloadUnfit(reason=str(error)) from error


def payload_of(body: bytes, content_type: str) -> Any:
    """The body as JSON if it says so, else as text. Raises MalformedPayload."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = body.decode()
        if kind == "application/json" or kind.endswith("+json"):
            return json_values.read(text, json_values.whole_or_decimal)
    except ValueError as error:
        raise MalformedPayload from error
    return json_values.plain_text(text)


def readable_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those an expression may read, by their names in small letters; none that proves anything."""
    small = {name.lower(): json_values.plain_text(value) for name, value in headers.items()}
    return {
        name: value[:_LONGEST_HEADER]
        for name, value in small.items()
        if name in _READABLE_HEADERS or (name.startswith(_CUSTOM) and not _SECRET.search(name))
    }
