"""Schemas of others are followed so far, and no further."""

import time

import pytest
from jsonschema import Draft202012Validator, SchemaError

from core.json_schema import NoSchema, NotFollowed, check_schema, flaws, validator


def first(value, schema):
    return next(flaws(value, schema), None)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ([599] * 800, {"items": {"anyOf": [{"const": at} for at in range(600)]}}),
        (["x"] * 800, {"items": {"enum": [*map(str, range(20_000)), "x"]}}),
        ("x" * 1_000_000, {"anyOf": [{"type": "integer"}] * 3_000}),
    ],
    ids=["alternatives", "names", "long"],
)
def test_what_asks_for_too_much_work_is_not_followed(value, schema):
    with pytest.raises(NotFollowed, match="too much work"):
        first(value, schema)


def test_a_thousand_objects_are_checked():
    fields = {f"field_{at}": {"type": "string", "maxLength": 9} for at in range(10)}
    schema = {"type": "array", "items": {"properties": fields, "required": ["field_1"]}}
    value = [dict.fromkeys(fields, "x") for _ in range(1_000)]
    assert first(value, schema) is None
    assert first([*value, {}], schema).validator == "required"


def test_each_value_has_its_own_steps():
    kept = validator({"type": "string", "minLength": 1, "maxLength": 2_000_000})
    for _ in range(30):  # 4,700 steps each
        assert not [*kept.iter_errors("x" * 1_600_000)]


@pytest.mark.parametrize(
    ("value", "unique"),
    [
        ([{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], False),
        ([[1], [1.0]], False),
        (["1", 1, True, "true", None, 0, False, "", 1.5], True),
        ([{"a": at} for at in range(1_000)], True),
    ],
)
def test_items_are_unique_by_what_they_are_in_json(value, unique):
    assert (first(value, {"uniqueItems": True}) is None) == unique
    assert first(value, {"uniqueItems": False}) is None


@pytest.mark.parametrize(
    ("value", "step", "fits"),
    [
        *((19.99, 0.01, True), (0.3, 0.1, True), (-1.1, 0.1, True), (1e22, 0.01, True)),
        *((19.995, 0.01, False), (7, 2.5, False), (7.5, 2.5, True), (8, 2, True), (9, 2, False)),
        *((10**25 + 1, 2, False), (10**25, 2, True), (1e-300, 1e-301, True)),
        *(("a", 0.01, True), (True, 2, True), (float("inf"), 2, False)),
        *((3, float("inf"), False), (float("nan"), 2, False)),
    ],
)
def test_a_number_is_a_multiple_as_it_is_written(value, step, fits):
    assert (first(value, {"multipleOf": step}) is None) == fits


@pytest.mark.parametrize(
    ("value", "schema", "told"),
    [
        (None, {"type": "object"}, "null is not of type 'object'"),
        (True, {"type": ["string", "null"]}, "true is not of type 'string', 'null'"),
        ("é", {"enum": ["a", None, True]}, """'é' is not one of ["a", null, true]"""),
        ([{"é": False}], {"maxItems": 0}, """[{"é": false}] is expected to be empty"""),
        (3, {"const": {"a": None}}, """{"a": null} was expected"""),
        ("None", {"type": "null"}, "'None' is not of type 'null'"),
        (None, {"const": "None"}, "'None' was expected"),
    ],
)
def test_what_does_not_fit_is_told_with_values_as_json_has_them(value, schema, told):
    assert [flaw.message for flaw in flaws(value, schema)] == [told]


def test_a_schema_is_told_from_what_is_none():
    check_schema({"type": ["string", "null"], "pattern": "^a"})
    for none in ({"type": [{"a": at} for at in range(3_000)]}, {"pattern": "("}, {"type": "text"}):
        with pytest.raises(NoSchema):
            check_schema(none)


@pytest.mark.parametrize(
    "pattern", ["(" * 5_000, "a{99999999999999999999}", f"a{{{'9' * 5_000}}}", "[b-a]", "*"]
)
def test_what_is_no_regular_expression_is_told(pattern):
    with pytest.raises(NoSchema):
        check_schema({"properties": {"a": {"pattern": pattern}}})


def test_a_long_regular_expression_takes_no_time():
    began = time.process_time()
    check_schema({"pattern": "[\x01-\uffff]" * 20_000, "patternProperties": {"": True}})
    assert time.process_time() - began < 2


def test_a_schema_of_very_many_parts_is_none():
    """To look at each takes time, and nobody reads so many."""
    fields = {f"field_{at}": {"type": "string"} for at in range(4_000)}
    check_schema({"properties": fields})
    for many in ([{}] * 5_000, [True] * 5_000, [{"properties": fields}, {"not": fields}]):
        with pytest.raises(NoSchema, match="more than 5,000 parts"):
            check_schema({"allOf": many})


@pytest.mark.parametrize(
    "schema",
    [
        *({"$defs": {"a": 1}}, {"$ref": 1}, {"$anchor": "1 2"}, {"$vocabulary": {"a": 1}}),
        *({"prefixItems": []}, {"items": [{}]}, {"contains": 1}, {"additionalProperties": 1}),
        *({"patternProperties": {"(": {}}}, {"dependentSchemas": {"a": 1}}, {"if": 1}),
        *({"oneOf": [{"not": {"then": 1}}]}, {"propertyNames": {"type": "none"}}),
        *({"unevaluatedItems": 1}, {"unevaluatedProperties": {"enum": 1}}, {"minLength": -1}),
        *({"multipleOf": 0}, {"uniqueItems": 1}, {"dependentRequired": {"a": ["b", "b"]}}),
        *({"title": 1}, {"examples": 1}, {"readOnly": 1}, {"format": 1}),
        *({"contentSchema": 1}, {"definitions": {"a": 1}}, {"dependencies": {"a": [1]}}),
        *({"$recursiveRef": 1}, {"$dynamicRef": 1}, 1, None, []),
    ],
    ids=str,
)
def test_what_the_specification_does_not_know_is_no_schema_however_deep(schema):
    for none in (schema, {"properties": {"a": {"items": {"anyOf": [{}, schema]}}}}):
        with pytest.raises(SchemaError):
            Draft202012Validator.check_schema(none)
        with pytest.raises(NoSchema):
            check_schema(none)
