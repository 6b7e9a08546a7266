"""A graph gives the same whenever it is run: whoever answers first, and wherever it was cut off.

A few examples by default; `pytest tests/laws --hypothesis-profile=thousand` takes a thousand.
"""

import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import FakeLog
from tests.laws.blocks import whole_graphs
from tests.laws.running import World, result_of
from workflows.engine.engine import ExecutionEngine
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate


@given(whole_graphs(), st.integers(0, 2**32))
def test_whoever_answers_first_a_graph_gives_the_same(graph: dict[str, Any], seed: int) -> None:
    assert errors_in(validate(graph)) == []
    engine = ExecutionEngine(NODE_TYPES)
    quiet, busy = World(), World(chance=random.Random(seed), lets_wait=bool(seed % 2))
    quiet.chance.randrange = lambda _: 0  # type: ignore[method-assign, assignment]
    first, log = result_of(engine, graph, quiet)
    second, other_log = result_of(engine, graph, busy)
    assert first == second
    if _leaves_nothing_to_time(graph, waits=busy.lets_wait):
        assert quiet.calls == busy.calls
        assert _told(log).keys() == _told(other_log).keys()
        assert busy.lets_wait or _told(log) == _told(other_log)


@given(whole_graphs(), st.integers(0, 2**32), st.integers(0, 6))
@settings(max_examples=settings().max_examples // 2)
def test_wherever_it_is_cut_off_a_graph_ends_the_same(
    graph: dict[str, Any], seed: int, answers: int
) -> None:
    """And asks only for what it had no answer to, and for all of that."""
    engine = ExecutionEngine(NODE_TYPES)
    whole, dying = World(), World(chance=random.Random(seed), left=answers)
    told, _ = result_of(engine, graph, whole)
    result_of(engine, graph, dying)
    heir = World(chance=random.Random(seed + 1), known=dying.known)
    assert result_of(engine, graph, heir)[0] == told
    assert not dying.calls & heir.calls
    if _leaves_nothing_to_time(graph, waits=False):
        assert dying.calls + heir.calls == whole.calls


def _leaves_nothing_to_time(graph: dict[str, Any], *, waits: bool) -> bool:
    """When an item of a map fails, no further one begins: how many have is a matter of time.

    One at a time they begin in their order, but while one waits for somebody, the others go on.
    """
    maps = [node["config"] for node in graph["nodes"] if node["type"] == "map"]
    in_order = not waits or all(node["type"] != "approval" for node in graph["nodes"])
    return all(one["on_error"] == "keep" or (one["parallel"] == 1 and in_order) for one in maps)


def _told(log: FakeLog) -> Counter[Any]:
    """What was told, in no order and without times."""
    return Counter(
        (event.identity(), getattr(event, "port", ""), getattr(event, "code", ""))
        for event in log.events
    )
