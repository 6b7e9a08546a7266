"""What is no JSON that can be stored is told so, whatever it is, and never raises."""

import math
from typing import Any

import pytest

from tests.validation.drawing import check, line, told
from workflows.validation import errors_in, validate, validate_text
from workflows.validation.bounds import Limits


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def itself() -> Any:
    value: list[Any] = []
    value += [value, value]
    return value


def with_value(value: Any) -> dict[str, Any]:
    return line(x=("variable", {"name": "v", "value": value}))


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        (with_value(nested(33)), "too_deep", "nodes[1].config"),
        (nested(5_000), "too_deep", "[0][0][0]"),
        (itself(), "too_deep", "[0][0][0]"),
        ("x" * 1_000_001, "too_large", ""),
        ({"a" * 1_000_001: 1}, "too_large", ""),
        ([0] * 600_000, "too_large", ""),
        (with_value(math.nan), "not_finite", "nodes[1].config.value"),
        (with_value([1.5, -math.inf]), "not_finite", "nodes[1].config.value[1]"),
        (with_value(2**63), "number_too_large", "nodes[1].config.value"),
        (with_value(-1e300), "number_too_large", "nodes[1].config.value"),
        (with_value(10**5000), "number_too_large", "nodes[1].config.value"),
        (with_value("\x00"), "bad_character", "nodes[1].config.value"),
        (with_value("\ud83d"), "bad_character", "nodes[1].config.value"),
        (with_value({"a\x00 b": 1}), "bad_character", 'nodes[1].config.value["a\\u0000 b"]'),
        (with_value({1: 2}), "not_json", "nodes[1].config.value"),
        (with_value({"at": b"bytes"}), "not_json", "nodes[1].config.value.at"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_its_place(document, code, path):
    assert (code, path) in told(check(document))


@pytest.mark.parametrize(
    "document",
    [None, True, 7, 1.5, "x", [], {}, [[]], {"nodes": 3}, {"nodes": [{}]}, {1: 2},
                 "{{params}}", {"nodes": "{{params.nodes}}"}],
)  # fmt: skip
def test_what_is_no_graph_is_told_not_raised(document):
    assert errors_in(check(document))
    assert errors_in(validate(document))


def test_half_a_character_in_a_name_does_not_keep_the_answer_from_being_sent():
    [issue] = check({"\ud800": 1})
    assert issue.path.encode()


def test_a_text_that_is_no_json_is_told_like_any_other():
    assert told(validate_text(b"{")) == [("malformed_body", "")]


def test_a_text_nested_beyond_what_can_be_read_is_told_like_any_other():
    assert told(validate_text(b"[" * 200_000 + b"]" * 200_000)) == [("malformed_body", "")]


def test_ten_thousand_mistakes_are_told_as_the_first_and_a_number():
    limits = Limits(nodes=20_000, edges=20_000)
    issues = check({"nodes": [7] * 10_000}, limits=limits)
    assert len(issues) == 500
    assert issues[-1].code == "more_issues"
    assert issues[-1].severity == "error"
    assert "9501" in issues[-1].message
