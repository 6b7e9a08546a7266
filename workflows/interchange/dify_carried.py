"""Which nodes of Dify become some of ours; asked by those that refer to them, in any order."""

import re
from typing import Any

from pydantic import ValidationError

from tools.http import KEY
from workflows.interchange.dify_bodies import stands_in
from workflows.interchange.dify_forms import is_askable
from workflows.interchange.foreign import Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import literal
from workflows.interchange.requests import why_not
from workflows.nodes.model import Config

_DOES_MORE = re.compile(r"\{[%#]|\{\{(?!\s*[A-Za-z_][A-Za-z0-9_]*\s*\}\})")


def is_carried(conversion: Conversion, key: str) -> bool:
    one = conversion.nodes[key]
    if one.type in ("iteration", "loop"):
        return key in conversion.bodies
    if stands_in(one) and key not in conversion.inner:
        return False
    if key not in conversion.carried:
        conversion.carried[key] = _is_known(conversion, one.type, one.data.at("data"))
    return conversion.carried[key]


def _is_known(conversion: Conversion, kind: str, data: Loose) -> bool:
    kinds = conversion.known.kinds
    match kind:
        case "template-transform":
            return "prompt" in kinds and not _DOES_MORE.search(data.text("template"))
        case "http-request":
            may = KEY in kinds and conversion.known.may_call(KEY)
            return may and not why_not(data.text("method"), data.text("url"))
        case "human-input":
            return "approval" in kinds and is_askable(data)
    return kind in ("llm", "if-else", "assigner")


def schema_of(conversion: Conversion, key: str) -> dict[str, Any] | None:
    """What an answer has to fit; None if it need not, or that cannot be said here.

    Double braces in it would be references.
    """
    data = conversion.nodes[key].data.at("data")
    schema = data.at("structured_output", "schema").value
    if not data.true("structured_output_enabled") or not isinstance(schema, dict):
        return None
    if "{{" in literal(schema) or not conversion.known.can(model_of(data), "structured_output"):
        return None
    try:
        return Config.model_validate({"output_schema": schema}).output_schema
    except ValidationError:
        return None


def model_of(data: Loose) -> str:
    """ "langgenius/openai/openai" and "openai" are both the provider openai."""
    provider = data.text("model", "provider").rsplit("/", 1)[-1]
    name = data.text("model", "name")
    return f"{provider}:{name}" if provider and name else ""
