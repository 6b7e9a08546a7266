"""`{{ … }}` in texts: what is found, what it becomes, and what stays as it is."""

import subprocess
import sys

import pytest

from workflows.definition.binding import bound
from workflows.definition.expressions import BadExpression, Expression
from workflows.definition.graph import GraphDefinition
from workflows.definition.reading import names_of
from workflows.definition.references import (
    MAX_TEMPLATE,
    bind,
    expressions_in,
    references_in,
    render,
)
from workflows.registry import NODE_TYPES

NAMES = {
    "input": {"message": "Hi"},
    "params": {"n": 3, "on": True},
    "text": "Hello",
    "variables": {"list": [1, "é"], "map": {"b": 1, "a": None}, "none": None},
    "nodes": {},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("no braces", "no braces"),
        ("{{text}}", "Hello"),
        (" {{ params.n }} ", 3),
        ("{{ params.n + 1 }}", 4),
        ("{{ variables.list }}", [1, "é"]),
        ("{{ {'a': {'b': params.n}} }}", {"a": {"b": 3}}),
        ("{{ variables.none }}", None),
        ("{{ '}}' }}", "}}"),
        ("n={{ params.n }}, on={{ params.on }}", "n=3, on=true"),
        ("list: {{ variables.list }}", 'list: [1, "é"]'),
        ("map: {{ variables.map }}", 'map: {"a": null, "b": 1}'),
        ("none: {{ variables.none }}.", "none: ."),
        ("{{ text }} {{ text + '!' }}", "Hello Hello!"),
        ('{{ "{{" }} stays', "{{ stays"),
        ("{ text } and }}", "{ text } and }}"),
    ],
)
def test_a_text_becomes(template, expected):
    assert bind(template, NAMES) == expected


@pytest.mark.parametrize(
    "template", ["{{}}", "{{ nobody }}", "a {{ text", "{{ 1 + }}", "{{{{text}}}}"]
)
def test_braces_that_hold_no_expression_are_an_error(template):
    with pytest.raises(BadExpression):
        bind(template, NAMES)


def test_a_rendered_text_is_always_text():
    assert render("{{ params.n }}", NAMES) == "3"
    assert render("{{ variables.map }}", NAMES) == '{"a": null, "b": 1}'


def test_templates_and_what_they_become_are_bounded():
    with pytest.raises(BadExpression, match="at most 100000 characters"):
        bind("x" * MAX_TEMPLATE + "{{ text }}", NAMES)
    with pytest.raises(BadExpression, match="becomes at most"):
        bind("{{ text }}{{ text }}", {"text": "x" * 600_000})


def test_every_expression_of_a_configuration_is_listed_with_its_place():
    config = {
        "system": "Be {{ params.tone }} on {{ text }}",
        "headers": [{"x": "{{ 1 + }}"}],
        "condition": Expression("nodes.a.text == ''"),
        "plain": 3,
    }
    assert list(expressions_in(config, "config")) == [
        ("config.system", " params.tone "),
        ("config.system", " text "),
        ("config.headers.0.x", " 1 + "),
        ("config.condition", "nodes.a.text == ''"),
    ]


def test_the_names_of_an_expression_are_known_without_running_it():
    text = "nodes.draft.text.contains(variables.words[0].name) && xs.all(x, x.y > input['n'])"
    assert names_of(text) == ("nodes.draft.text", "variables.words", "xs", "input")
    assert list(references_in({"a": "{{ params.x }} {{ broken ' }}"})) == ["params.x"]


def test_parameters_are_put_in_before_the_run_and_other_names_wait_for_it():
    graph = GraphDefinition.model_validate(
        {
            "nodes": [
                {
                    "id": "a",
                    "type": "delay",
                    "config": {"seconds": "{{ params.n * 60 }}", "note": "{{params.n}} {{text}}"},
                }
            ]
        }
    )
    assert bound(graph, {"n": 2}, NODE_TYPES).nodes[0].config == {
        "seconds": 120,
        "note": "2 {{text}}",
    }
    with pytest.raises(BadExpression):
        bound(graph, {}, NODE_TYPES)


def test_a_parameter_is_never_read_as_an_expression():
    words = "a {{ nodes.secret.text }} b {{"
    once = bind("Say: {{ params.words }}", {"params": {"words": words}}, only="params")
    assert render(once, NAMES) == f"Say: {words}"
    assert (
        render(bind("{{params.words}}", {"params": {"words": words}}, only="params"), NAMES)
        == words
    )


@pytest.mark.parametrize(
    ("text", "params", "told"),
    [
        ("is {{params.a}}", {"a": {"{{text}}": 1}}, 'is {"{{text}}": 1}'),
        ("is {{params.a}}", {"a": ["{{text}}", {"k": "{{"}]}, 'is ["{{text}}", {"k": "{{"}]'),
        ("{{params.a}}{{params.b}}", {"a": "{", "b": "{text}}"}, "{{text}}"),
        ("{{params.a}}{{params.b}}", {"a": "{{{", "b": "{text}}"}, "{{{{text}}"),
        ("{{params.a}}{text}}", {"a": "x{"}, "x{{text}}"),
        ("{{params.a}}{{text}}", {"a": {"b": 1}}, '{"b": 1}Hi'),
    ],
)
def test_nor_is_a_part_of_one_or_what_two_make_together(text, params, told):
    assert render(bind(text, {"params": params}, only="params"), {"text": "Hi"}) == told


def test_plain_references_do_not_load_the_library():
    code = (
        "import sys; from workflows.definition.references import bind; "
        "bind('{{ a.b }} and {{ a.b }}', {'a': {'b': 1}}); sys.exit('cel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


EACH = "{{input.a.all(x, x >= 0)}}"


@pytest.mark.parametrize(
    ("value", "most"),
    [(EACH * 490, 9_000), ({f"a{at}": [EACH] for at in range(490)}, 9_000)],
    ids=["one text", "many texts"],
)
def test_expressions_that_are_put_in_at_once_share_what_is_allowed(value, most):
    with pytest.raises(BadExpression, match="together are too much work"):
        bind(value, {"input": {"a": list(range(most))}})


def test_expressions_of_all_nodes_share_what_is_allowed_to_parameters():
    each = EACH.replace("input", "params")
    nodes = [
        {"id": f"p{at}", "type": "prompt", "config": {"template": each * 5}} for at in range(9)
    ]
    graph = GraphDefinition.model_validate({"nodes": nodes, "edges": []})
    with pytest.raises(BadExpression, match="together are too much work"):
        bound(graph, {"a": list(range(9_000))}, NODE_TYPES)


def test_some_expressions_over_much_are_put_in():
    assert bind(EACH * 9, {"input": {"a": list(range(9_000))}}) == "true" * 9


def test_a_text_is_put_together_no_further_than_it_may_become_long():
    with pytest.raises(BadExpression, match="at most"):
        bind("{{input.a}}" * 9_000, {"input": {"a": ["x" * 900_000]}})
    texts = [f"{at} {{{{input.a}}}}" for at in range(99)]
    with pytest.raises(BadExpression, match="together are too much work"):
        bind(texts, {"input": {"a": "x" * 900_000}})
