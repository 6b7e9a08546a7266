"""What the OpenAPI document says one may send, and what fits."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tests.isolation.policies import EXAMPLES
from tests.isolation.routes import VERBS, shape_of

JSON = "application/json"
Schema = Mapping[str, Any]


class NoExample(Exception):
    """Nothing is known that fits a field."""


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


@dataclass(frozen=True)
class Operation:
    """One verb at one documented address, as "/api/v1/executions/{id}/cancel/"."""

    path: str
    verb: str
    told: Schema

    def __str__(self) -> str:
        return f"{self.verb.upper()} {self.path}"

    @property
    def path_names(self) -> list[str]:
        """Of its parameters, as the document has them."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def request(self) -> Schema | None:
        """The schema of its body, when that is JSON with fields."""
        content = self.told.get("requestBody", {}).get("content", {})
        found = resolved(content.get(JSON, {}).get("schema", {}))
        return found if "properties" in found else None

    @property
    def response(self) -> Schema:
        """The schema of what it answers when all is well."""
        for code, answer in self.told["responses"].items():
            schema = answer.get("content", {}).get(JSON, {}).get("schema")
            if code.startswith("2") and schema:
                return resolved(schema)
        return {}

    def parameters(self, place: str) -> Iterator[Schema]:
        return (one for one in self.told.get("parameters", ()) if one["in"] == place)

    def example(self, things: Mapping[str, str]) -> dict[str, Any] | None:
        """A body that is understood: what must be given, and what `EXAMPLES` would rather have.

        An id is that of the thing of its name.
        """
        if self.request is None:
            return None
        fields, needed = self.request["properties"], self.request.get("required", ())
        chosen = {name for name in fields if name in needed or name in ALWAYS}
        return {
            name: things[name]
            if fields[name].get("format") == "uuid" and name in things
            else fitting(name, fields[name], self)
            for name in sorted(chosen)
        }


ALWAYS = {"mode", "when_busy", "every_s"}  # with "wait" it would wait for what nobody runs here


def resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def variants(schema: Schema) -> Iterator[Schema]:
    """It, or each of what it may be, arrays by what is in them."""
    schema = resolved(schema)
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ()), *schema.get("oneOf", ())):
        yield from variants(part)
    if "items" in schema:
        yield from variants(schema["items"])
    yield schema


def fitting(name: str, schema: Schema, of: object) -> Any:
    """A value for a field. Raises NoExample."""
    if name in EXAMPLES:
        return EXAMPLES[name]
    for one in variants(schema):
        if "enum" in one:
            return one["enum"][0]
        if one.get("type") in _PLAIN:
            return _PLAIN[one["type"]]
    raise NoExample(f"{of} needs {name!r}: add a value that fits it to EXAMPLES in policies.py.")


_PLAIN = {"string": "x", "boolean": True, "object": {}, "integer": 1}


@lru_cache(maxsize=1)
def operations() -> tuple[Operation, ...]:
    return tuple(
        Operation(path, verb, how[verb])
        for path, how in document()["paths"].items()
        for verb in VERBS
        if verb in how
    )


def operation(address: str, verb: str) -> Operation | None:
    """That of a route's address, whose parameters may have other names."""
    shape = shape_of("/" + address)
    found = (one for one in operations() if (shape_of(one.path), one.verb) == (shape, verb))
    return next(found, None)
