"""A graph of a hundred nodes is checked while its author types."""

import time

from tests.validation.drawing import drawn
from workflows.validation import validate


def test_a_hundred_nodes_take_less_than_thirty_milliseconds():
    document = _large()
    assert len(document["nodes"]) == 100
    validate(document)  # parses the expressions, which are kept
    assert min(_took(document) for _ in range(5)) < 0.030


def test_a_hundred_variables_set_at_once_do_not_take_longer():
    writers = {f"n{at}": ("variable", {"name": "v", "value": at}) for at in range(98)}
    into, out = ([f"start>{name}" for name in writers], [f"{name}>end" for name in writers])
    document = drawn({"start": "start", **writers, "end": "end"}, *into, *out)
    assert min(_took(document) for _ in range(5)) < 0.030


def _took(document: object) -> float:
    began = time.process_time()
    validate(document)
    return time.process_time() - began


def _large() -> dict:
    """A ladder of branches that meet again, with long texts and references."""
    nodes, edges, last = {"start": "start"}, [], "start"
    for step in range(24):
        text = f"You are helper {step}. Think about {{{{nodes.{last}.text}}}} and answer. " * 20
        nodes |= {
            f"if{step}": ("conditional", {"condition": f"nodes.{last}.text.size() > {step}"}),
            f"yes{step}": ("model", {"system": text, "max_tokens": 500}),
            f"no{step}": ("variable", {"name": f"v{step}", "value": text}),
            f"on{step}": "delay",
        }
        edges += [
            f"{last}>if{step}",
            f"if{step}.true>yes{step}",
            f"if{step}.false>no{step}",
            f"yes{step}>on{step}",
            f"no{step}>on{step}",
        ]
        last = f"on{step}"
    nodes |= {"one": "delay", "two": "delay", "end": "end"}
    return drawn(nodes, *edges, f"{last}>one", "one>two", "two>end")


def test_a_hundred_nodes_that_go_round_everywhere_take_no_longer():
    names = [f"n{at}" for at in range(98)]
    tangle = [f"{names[at]}>{names[(at * 37 + 11) % 98]}" for at in range(98)]
    around = [f"{names[at]}>{names[(at * 53 + 5) % 98]}" for at in range(98)]
    nodes = {"start": "start", **dict.fromkeys(names, "delay"), "end": "end"}
    document = drawn(nodes, "start>n0", *tangle, *around, "n1>end")
    assert min(_took(document) for _ in range(3)) < 0.1
