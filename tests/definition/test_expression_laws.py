"""No text makes the language do anything but answer or refuse, soon."""

import contextlib
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows.definition.expressions import BadExpression, evaluate, parse
from workflows.definition.reading import names_of
from workflows.definition.references import bind, expressions_in, references_in

WATCHDOG = settings(deadline=5_000, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
PIECES = [
    *("1", "2.5", "-", "+", "*", "/", "%", "==", "<", "&&", "||", "!", "?", ":", ",", ".", " "),
    *("(", ")", "[", "]", "{", "}", "'a'", '"', "'", "\\", "//", "\n", "x", "y", "null", "true"),
    *("text", "variables", "variables.list", "variables.map", "input.message", "nodes.a", "0x"),
    *(".map(x, ", ".filter(x, ", ".all(x, ", ".exists(y, ", ".exists_one(x, ", "has(", "size("),
    *("string(", "int(", "double(", ".contains(", ".matches('", "in_order_(", " in ", "9e9", "é"),
]
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=30,
)


def expressions() -> st.SearchStrategy[str]:
    """Expressions that parse, most of them."""
    leaves = ["1", "2.5", "'a'", "true", "null", "text", "x", "variables.list", "variables.map"]
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%<") | st.just("=="), inner),
            st.builds("[{}, {}]".format, inner, inner),
            st.builds("{{'k': {}}}".format, inner),
            st.builds("{}[{}]".format, inner, inner),
            st.builds("{}({})".format, st.sampled_from(["size", "string", "int", "double"]), inner),
            st.builds(
                "{}.{}(x, {})".format,
                inner,
                st.sampled_from(["map", "filter", "all", "exists", "exists_one"]),
                inner,
            ),
            st.builds("({} ? {} : {})".format, inner, inner, inner),
        ),
        max_leaves=25,
    )


@WATCHDOG
@given(texts)
def test_any_text_parses_or_is_refused(text):
    names_of(text)
    with contextlib.suppress(BadExpression):
        parse(text)


@WATCHDOG
@given(expressions(), json_values, json_values, st.text(max_size=200))
def test_what_parses_has_a_json_value_or_is_refused(expression, some_list, some_map, text):
    names = {"text": text, "variables": {"list": some_list, "map": some_map}}
    try:
        value = evaluate(f"({expression})", names)
    except BadExpression:
        return
    json.dumps(value, allow_nan=False)


@WATCHDOG
@given(expressions())
def test_what_is_accepted_ends_soon_even_with_much_to_read(expression):
    rows = [{"name": f"row {at}", "list": [at, at + 0.5]} for at in range(300)]
    names = {"text": "word " * 20_000, "variables": {"list": rows, "map": {"k": rows}}}
    with contextlib.suppress(BadExpression):
        evaluate(f"({expression})", names)


@WATCHDOG
@given(st.lists(st.sampled_from(["{{", "}}", *PIECES]), max_size=40).map("".join))
def test_any_template_becomes_something_or_is_refused(template):
    list(expressions_in(template))
    with contextlib.suppress(BadExpression):
        bind(template, {"text": "t", "variables": {}, "input": {}, "nodes": {}, "params": {}})


@pytest.mark.parametrize("opening", ["{{", "{{ {", "{{ '", '{{ "\\', '{{ \\"', "\\'"])
def test_a_text_full_of_open_braces_is_read_once(opening):
    text, began = "{{" + opening * 50_000, time.process_time()
    assert list(expressions_in(text))
    assert not list(references_in(text))
    assert time.process_time() - began < 5
