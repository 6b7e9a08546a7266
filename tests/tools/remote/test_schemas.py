"""Schemas come from outside: which are taken, and that checking by them ends."""

from typing import Any

import pytest

from tools.base import UnfitArguments
from tools.mcp.naming import key_of
from tools.mcp.schemas import BadSchema, accepted_schema, check

SLOW = "^(a+)+$"


def laughing() -> dict[str, Any]:
    """Ten to the ninth parts, in nine lines."""
    parts: dict[str, Any] = {"p9": {"type": "string"}}
    for n in range(9):
        parts[f"p{n}"] = {"anyOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 10}
    return {"type": "object", "properties": {"a": {"$ref": "#/$defs/p0"}}, "$defs": parts}


@pytest.mark.parametrize(
    "schema",
    [
        "object",
        {"type": "array"},
        {"type": "object", "properties": {"a": {"type": "number of things"}}},
        {"properties": {"a": {"$ref": "http://127.0.0.1/schema"}}},
        {"properties": {"a": {"$ref": "#/$defs/missing"}}},
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        {"description": "x" * 60_000},
        laughing(),
    ],
)
def test_a_schema_that_cannot_be_followed_is_not_taken(schema: Any) -> None:
    with pytest.raises(BadSchema):
        accepted_schema(schema)


def test_a_schema_may_be_as_long_in_every_script() -> None:
    assert accepted_schema({"description": "世" * 40_000})["description"] == "世" * 40_000


def test_no_expression_of_a_server_is_ever_tried() -> None:
    schema = accepted_schema(
        {
            "properties": {"a": {"type": "string", "pattern": SLOW}},
            "patternProperties": {SLOW: {"type": "integer"}},
            "additionalProperties": False,
            "unevaluatedProperties": False,
        }
    )
    slow = "a" * 60 + "!"
    assert check({"a": slow, slow: "x"}, schema) == {"a": slow, slow: "x"}


def test_a_schema_may_refer_to_itself() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    schema = accepted_schema(
        {"properties": {"first": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    )
    deep = {"first": {"next": {"next": {"next": 1}}}}
    with pytest.raises(UnfitArguments) as told:
        check(deep, schema)
    assert told.value.issues[0]["path"] == "first.next.next.next"


def test_what_leads_in_circles_is_an_answer() -> None:
    schema = accepted_schema({"properties": {"a": {"$ref": "#/properties/a"}}})
    with pytest.raises(UnfitArguments) as told:
        check({"a": 1}, schema)
    assert told.value.issues[0]["code"] == "schema"


def test_what_doubles_at_every_level_is_an_answer() -> None:
    schema = accepted_schema({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}})
    arguments: dict[str, Any] = {}
    for _ in range(40):
        arguments = {"a": arguments}
    with pytest.raises(UnfitArguments) as told:
        check(arguments, schema)
    assert told.value.issues[0]["code"] == "schema"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("echo", "srv__echo"),
        ("get-sum", "srv__get_sum"),
        ("getTinyImage", "srv__get_tiny_image"),
        ("Éditer / tout", "srv__diter_tout"),
        ("日本", ""),
        ("__a__b__", "srv__a_b"),
        ("HTTP2", "srv__http2"),
    ],
)
def test_the_key_of_a_tool(name: str, key: str) -> None:
    assert key_of("srv", name) == key


def test_long_names_stay_apart() -> None:
    first, second = key_of("srv", "x" * 100), key_of("srv", "x" * 101)
    assert first != second
    assert len(first) == len(second) == 64
