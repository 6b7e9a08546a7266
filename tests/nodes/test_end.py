"""An end gives the run its answer."""

import pytest

from tests.fakes import run_graph
from workflows.engine.errors import RunFailed


def answer(output=None):
    config = {} if output is None else {"output": output}
    return run_graph({"start": {}, "end": {"config": config}}, ["start>end"], "hello").result.text


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (None, "hello"),
        ("", "hello"),
        ("said: {{ input.message }}", "said: hello"),
        ("{{ size(text) > 3 }}", "true"),
        ("{{ {'words': [text]} }}", '{"words": ["hello"]}'),
        ("{{ null }}", ""),
    ],
)
def test_the_answer_is(output, text):
    assert answer(output) == text


def test_an_answer_that_cannot_be_made_fails_the_run():
    with pytest.raises(RunFailed) as failed:
        answer("{{ nodes.gone.text }}")
    assert (failed.value.node, failed.value.code) == ("end", "bad_expression")
