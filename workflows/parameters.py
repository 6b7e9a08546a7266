"""The parameters of a template: a JSON schema with defaults, and values that fit it.

An object with `properties`; each is a JSON schema of its own, `default` is what is taken when
nothing is given, `title` what people read. Patterns are not known: nobody would try them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import orjson

from core import json_schema
from core.errors import Invalid
from workflows.engine import structured
from workflows.validation.secrets import random_in, secret_in

Issues = list[dict[str, str]]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NAMED = re.compile(r"""\bparams\b(?:\s*\.\s*(\w+)(?!\w|\s*\()|\s*\[\s*["'](\w+)["']\s*\])?""")
_KEYWORDS = frozenset(
    {"$schema", "type", "properties", "required", "additionalProperties", "title", "description"}
)
_NEVER = frozenset({"pattern", "patternProperties", "$dynamicRef"})
_MOST_CHARACTERS = 50_000
_MOST_PARAMETERS = 100
_MOST_ERRORS = 100
_SHOWN = 200
_MESSAGES = {
    "type": "This is not of the type {wanted}.",
    "enum": "This is none of {wanted}.",
}


class InvalidParameters(Invalid):
    code = "invalid_parameters"
    message = "The parameters do not fit this template."


class BadDeclaration(Invalid):
    code = "bad_parameters"
    message = "The parameters of a template are an object of JSON schema."


def names_of(declared: Mapping[str, Any]) -> Sequence[str]:
    """The parameters there are."""
    return list(declared.get("properties", ()))


def schema_of(properties: Mapping[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    """The declaration of these parameters."""
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def unused_in(graph: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Those that nothing in the graph names, so that it runs alike whatever they are."""
    texts = _texts([node["config"] for node in graph["nodes"]])
    named = {found[1] or found[2] for text in texts for found in _NAMED.finditer(text)}
    return [] if None in named else sorted(set(names) - named)  # None: all at once


def check_declared(declared: Mapping[str, Any]) -> None:
    """Raises BadDeclaration with every problem: of the schema, and of defaults that do not fit."""
    if declared == {}:
        return
    errors = list(_problems(declared))
    if not errors:
        defaults = _defaults(declared)
        errors = _unfit(_validator(orjson.dumps({**declared, "required": []})), defaults)
    if errors:
        raise BadDeclaration(errors=errors)


def checked(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values over the declared defaults. Raises InvalidParameters with every problem.

    What fitted once is known: a start costs the writing of two texts.
    """
    if not given and not declared.get("properties"):
        return {}
    return dict(_checked(orjson.dumps(declared), orjson.dumps(given)))


@lru_cache(maxsize=512)
def _checked(declared: bytes, given: bytes) -> Mapping[str, Any]:
    schema, values = orjson.loads(declared), orjson.loads(given)
    known = schema.get("properties", {})
    errors = [
        _problem(name, "unknown", "There is no such parameter.")
        for name in values
        if name not in known
    ]
    filled = _defaults(schema) | {name: values[name] for name in values if name in known}
    errors += _unfit(_validator(declared), filled)
    if errors:
        raise InvalidParameters(errors=errors[:_MOST_ERRORS])
    return filled


@lru_cache(maxsize=256)
def _validator(declared: bytes) -> Any:
    return json_schema.validator(orjson.loads(declared))


def _defaults(declared: Mapping[str, Any]) -> dict[str, Any]:
    properties = declared.get("properties", {}).items()
    return {name: part["default"] for name, part in properties if "default" in part}


def _unfit(validator: Any, values: Mapping[str, Any]) -> Issues:
    """What does not fit; the values are not repeated, for they may be secrets."""
    flaws = islice(validator.iter_errors(values), _MOST_ERRORS)
    try:
        told = [issue for flaw in flaws for issue in _problems_of(flaw)]
    except json_schema.NotFollowed as error:
        return [_problem("", "schema", str(error))]
    return list({(issue["path"], issue["code"]): issue for issue in told}.values())


def _problems_of(flaw: Any) -> Iterator[dict[str, str]]:
    path, wanted = ".".join(map(str, flaw.absolute_path)), flaw.validator_value
    if flaw.validator == "required":
        for name in wanted:
            if name not in flaw.instance:
                yield _problem(f"{path}.{name}".strip("."), "required", "This is needed.")
        return
    shown = wanted if isinstance(wanted, str) else json.dumps(wanted, ensure_ascii=False)[:_SHOWN]
    message = _MESSAGES.get(flaw.validator, "This does not fit {rule}: {wanted}.")
    yield _problem(path, flaw.validator, message.format(rule=flaw.validator, wanted=shown))


def _problems(declared: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    properties = declared.get("properties", {}) if isinstance(declared, dict) else None
    if not isinstance(properties, dict) or declared.get("type") != "object":
        yield _problem("", "type", 'This is {"type": "object", "properties": {…}}.')
        return
    if len(json.dumps(declared, ensure_ascii=False)) > _MOST_CHARACTERS:
        yield _problem("", "too_large", f"This has at most {_MOST_CHARACTERS:,} characters.")
        return
    for name in sorted(declared.keys() - _KEYWORDS):
        yield _problem(name, "unknown", "This is not known of parameters as a whole.")
    if declared.get("additionalProperties") not in (None, False):
        yield _problem("additionalProperties", "unknown", "Parameters are those declared.")
    if len(properties) > _MOST_PARAMETERS:
        yield _problem("properties", "too_many", f"There are at most {_MOST_PARAMETERS}.")
    for name, part in properties.items():
        yield from _described(name, part)
    yield from _no_schema(declared, properties)


def _described(name: str, part: Any) -> Iterator[dict[str, str]]:
    """What is wrong with one parameter, beside what JSON schema itself would say."""
    path = f"properties.{name}"
    if not _NAME.fullmatch(name):
        yield _problem(path, "name", "A name has letters, digits and '_'; no digit begins it.")
    if not isinstance(part, dict):
        yield _problem(path, "type", "A parameter is described by an object.")
        return
    for keyword in sorted(_NEVER & set(_keywords(part))):
        yield _problem(path, "unknown", f"'{keyword}' is not known here.")
    for text in _texts(part):
        alone = text.strip()
        if kind := secret_in(text) or (alone and random_in(text) == alone and "a random token"):
            yield _problem(path, "secret_in_plain_text", f"Something here looks like {kind}.")


def _no_schema(
    declared: Mapping[str, Any], properties: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    try:
        structured.check_schema(declared)
    except ValueError as error:
        yield _problem("", "schema", str(error))
        return
    for name in declared.get("required", ()):
        if name not in properties:
            yield _problem(f"required.{name}", "unknown", "There is no such parameter.")


def _keywords(part: Any) -> Iterator[str]:
    """Every key in a schema, also those of its values, so that none is missed."""
    for here in _values(part):
        if isinstance(here, dict):
            yield from here


def _texts(part: Any) -> Iterator[str]:
    """Every text in a schema, or in settings."""
    return (here for here in _values(part) if isinstance(here, str))


def _values(part: Any) -> Iterator[Any]:
    waiting = [part]
    while waiting:
        here = waiting.pop()
        yield here
        if isinstance(here, dict | list):
            waiting.extend(here.values() if isinstance(here, dict) else here)


def _problem(path: str, code: str, message: str) -> dict[str, str]:
    return {"path": f"parameters.{path}".rstrip("."), "code": code, "message": message}
