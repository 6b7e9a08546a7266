"""The parameters of a template: declared types and defaults, checked before a run."""

from collections.abc import Mapping
from typing import Any

from core.errors import Invalid

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}


class InvalidParameters(Invalid):
    code = "invalid_parameters"
    message = "The parameters do not fit this template."


def checked(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values over the declared defaults. Raises InvalidParameters with every problem."""
    errors = [
        {"path": f"parameters.{name}", "code": "unknown", "message": "There is no such parameter."}
        for name in given
        if name not in declared
    ]
    errors += [
        {
            "path": f"parameters.{name}",
            "code": "type",
            "message": f"This is not a {declared[name]['type']}.",
        }
        for name, value in given.items()
        if name in declared and not _fits(value, declared[name]["type"])
    ]
    if errors:
        raise InvalidParameters(errors=errors)
    return {name: given.get(name, spec.get("default")) for name, spec in declared.items()}


def _fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, ()))
