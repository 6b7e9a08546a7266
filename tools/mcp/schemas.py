"""JSON schemas that servers give: which are taken, and whether arguments fit them.

They come from outside: `core.json_schema` tells how little of them is trusted. The server checks
its arguments itself.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.json_schema import NoSchema, NotFollowed, check_schema, flaws
from tools.base import UnfitArguments

MAX_CHARACTERS = 50_000
_MAX_PARTS = 5_000
_MAX_ISSUES = 10
_SHOWN = 300
# Below the root these would bring in another set of rules, or other places to look for parts.
_UNFOLLOWED = ("$schema", "$id", "$dynamicRef")


class BadSchema(ValueError):
    """Why a tool's schema is not taken."""


def accepted_schema(schema: Any) -> dict[str, Any]:
    """The schema of an object's properties, as it will be kept. Raises BadSchema."""
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise BadSchema("Its arguments are no JSON object.")
    kept = {"type": "object", "properties": {}, **schema}
    kept.pop("$schema", None)
    try:
        if len(json.dumps(kept, ensure_ascii=False)) > MAX_CHARACTERS:
            raise BadSchema(f"Its schema is longer than {MAX_CHARACTERS} characters.")
        check_schema(kept)
        for parts, _ in enumerate(_parts(kept, kept, ())):
            if parts > _MAX_PARTS:
                raise BadSchema("Its schema has too many parts.")
    except NoSchema as error:
        raise BadSchema(f"Its schema is none: {error}") from error
    except RecursionError as error:
        raise BadSchema("Its schema is nested too deep.") from error
    return kept


def check(arguments: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, if they fit. Raises UnfitArguments."""
    if not isinstance(arguments, dict):
        raise UnfitArguments([_issue("", "type", "The arguments have to be a JSON object.")])
    try:
        issues = [
            _issue(flaw.json_path.removeprefix("$").lstrip("."), flaw.validator, flaw.message)
            for flaw, _ in zip(flaws(arguments, schema), range(_MAX_ISSUES), strict=False)
        ]
    except NotFollowed as error:
        broken = _issue("", "schema", "The tool's schema cannot be followed.")
        raise UnfitArguments([broken]) from error
    if issues:
        raise UnfitArguments(issues)
    return arguments


def _issue(path: str, code: Any, message: str) -> dict[str, str]:
    return {"path": path, "code": str(code), "message": message[:_SHOWN]}


def _parts(part: Any, root: Mapping[str, Any], seen: tuple[str, ...]) -> Iterator[None]:
    """One step for each part that checking may come by; what refers to itself is followed once.

    Raises BadSchema for a reference that leads elsewhere or nowhere.
    """
    yield None
    if isinstance(part, list):
        for inner in part:
            yield from _parts(inner, root, seen)
    elif isinstance(part, dict):
        if part is not root and any(isinstance(part.get(name), str) for name in _UNFOLLOWED):
            raise BadSchema("Its schema refers to somewhere else.")
        reference = part.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            yield from _parts(_target(reference, root), root, (*seen, reference))
        for name, inner in part.items():
            if name not in ("$defs", "definitions"):
                yield from _parts(inner, root, seen)


def _target(reference: str, root: Any) -> Any:
    if reference != "#" and not reference.startswith("#/"):
        raise BadSchema("Its schema refers to somewhere else.")
    found: Any = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            raise BadSchema("Its schema refers to what is not there.")
        found = found[name]
    return found
