"""What the OpenAPI document says of every operation: how it says no, and what a change leaves."""

from typing import Any

from rest_framework.metadata import SimpleMetadata

_CONTENT_TYPE = "application/problem+json"
_PROBLEM = {
    "type": "object",
    "description": "Why not; `code` is stable, and `detail` says more where there is more to say.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "message": {"type": "string"},
        "detail": {"type": "object", "additionalProperties": {}},
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "code", "message", "detail", "request_id"],
    "additionalProperties": False,
}
_SAID = {
    "4XX": "It cannot be understood, is not allowed, is not there or not yours, or not possible.",
    "503": "The database is away: try again after `Retry-After` seconds.",
}


def tell_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular, over the whole document."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    schema = {"$ref": "#/components/schemas/Problem"}
    for path in result["paths"].values():
        for told in path.values():
            for status, text in _SAID.items():
                problem = {"content": {_CONTENT_TYPE: {"schema": schema}}, "description": text}
                told["responses"].setdefault(status, problem)
    return result


def tell_changes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook, too: what a change does not name stays as it is, so no default is true of it."""
    for name, schema in result["components"]["schemas"].items():
        if name.startswith("Patched"):
            for given in schema.get("properties", {}).values():
                given.pop("default", None)
    return result


class Formats(SimpleMetadata):
    """What OPTIONS answers beside the header Allow: what a body holds is in that document."""

    def determine_actions(self, request: Any, view: Any) -> dict[str, Any]:
        return {}
