"""A start passes on what the run was given."""

from tests.fakes import run_graph


def test_the_message_is_what_the_graph_begins_with():
    assert run_graph({"start": {}, "end": {}}, ["start>end"], "hello").result.text == "hello"
