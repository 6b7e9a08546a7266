"""What a chain may say of the execution it follows: its condition, and the input of the next."""

from collections.abc import Mapping
from typing import Any

from core.errors import Invalid
from workflows.definition.expressions import BadExpression, is_true, parse
from workflows.definition.references import bind, expressions_in
from workflows.models import WorkflowExecution

NAMES = ("execution", "output", "error")


class BadMapping(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "bad_mapping"
    message = "An expression cannot be understood."


def check_mapping(condition: str, given: Mapping[str, Any]) -> None:
    """Raises BadMapping with every problem."""
    named = [("condition", condition)] if condition else []
    named += [(f"input.{path}".rstrip("."), text) for path, text in expressions_in(given)]
    errors = [
        {"path": path, "code": BadExpression.code, "message": problem}
        for path, text in named
        if (problem := _problem(text))
    ]
    if errors:
        raise BadMapping(errors=errors)


def names_of(source: WorkflowExecution) -> dict[str, Any]:
    """What the names stand for; `output` and `error` are null where there is none."""
    return {
        "execution": {
            "id": str(source.id),
            "kind": source.kind,
            "status": source.status,
            "input": source.input,
            "parameters": source.parameters,
            "duration_ms": source.duration_ms,
            "request_id": source.request_id,
        },
        "output": source.output,
        "error": source.error,
    }


def holds(condition: str, names: Mapping[str, Any]) -> bool:
    """Raises BadExpression; no condition holds always."""
    return not condition or is_true(condition, names)


def mapped(given: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The input with its expressions replaced. Raises BadExpression."""
    found: dict[str, Any] = bind(given, names)
    return found


def _problem(expression: str) -> str:
    try:
        parse(expression, NAMES)
    except BadExpression as error:
        return str(error)
    return ""
