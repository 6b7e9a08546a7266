"""A prompt makes a text of what the run has."""

import pytest

from tests.fakes import run_graph
from workflows.engine.errors import RunFailed
from workflows.validation import errors_in, validate


def prompted(template, message="hello"):
    nodes = {"start": {}, "prompt": {"config": {"template": template}}, "model": {}, "end": {}}
    return run_graph(nodes, ["start>prompt", "prompt>model", "model>end"], message)


@pytest.mark.parametrize(
    ("template", "asked"),
    [
        ("Translate: {{ text }}", "Translate: hello"),
        ("{{ size(text) }} letters", "5 letters"),
        ("{{ ['a', 'b'] }}", '["a", "b"]'),
        ("{{ {'k': text} }}", '{"k": "hello"}'),
        ("{{ text == 'hello' ? 'Greet back.' : 'Answer.' }}", "Greet back."),
        ("as it is", "as it is"),
    ],
)
def test_a_model_is_asked_what_the_template_says(template, asked):
    ran = prompted(template)
    assert ran.services.asked[0].messages[-1].text == asked


def test_what_a_user_writes_is_never_read_as_an_expression():
    ran = prompted("Say {{ text }}", "{{ nodes.secret.text }}")
    assert ran.services.asked[0].messages[-1].text == "Say {{ nodes.secret.text }}"


def test_a_name_that_is_not_there_fails_the_run_and_says_which():
    with pytest.raises(RunFailed, match=r"variables\.gone") as failed:
        prompted("{{ variables.gone }}")
    assert (failed.value.node, failed.value.code) == ("prompt", "bad_expression")


def test_an_error_may_leave_by_its_port():
    nodes = {
        "start": {},
        "prompt": {"config": {"template": "{{ variables.gone }}"}},
        "end": {"config": {"output": "{{ nodes.prompt.code }}"}},
    }
    assert run_graph(nodes, ["start>prompt", "prompt.error>end"]).result.text == "bad_expression"


@pytest.mark.parametrize("template", ["", "{{ 1 + }}", "{{ nobody }}", "{{ open"])
def test_a_template_is_checked_before_it_runs(template):
    graph = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "prompt", "type": "prompt", "config": {"template": template}},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "prompt"}, {"source": "prompt", "target": "end"}],
    }
    assert [i.path for i in errors_in(validate(graph))] == ["nodes[1].config.template"]
