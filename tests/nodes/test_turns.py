"""A run that reckons long leaves the loop to others between its steps."""

import asyncio
from dataclasses import dataclass, field

import pytest

from tests.fakes import FakeServices, run_graph
from workflows.engine import turns


@dataclass
class Watching(FakeServices):
    """Notes in which pass of the loop each delay begins."""

    passes: int = 0
    begun: list[int] = field(default_factory=list)

    async def sleep(self, node, visit, seconds):
        if not self.begun:
            self._count()
        self.begun.append(self.passes)

    def _count(self):
        self.passes += 1
        asyncio.get_running_loop().call_soon(self._count)


@pytest.fixture(autouse=True)
def every_step_takes_long(monkeypatch):
    monkeypatch.setattr(turns, "LONG_S", 0)


def begun(nodes, *edges):
    services = Watching()
    run_graph({"start": {}, "end": {}} | nodes, edges, services=services)
    return services.begun


def test_between_steps_in_a_line_others_have_their_turn():
    nodes = {f"wait{at}": {"type": "delay"} for at in range(5)}
    line = ["start", *nodes, "end"]
    passes = begun(nodes, *map(">".join, zip(line, line[1:], strict=False)))
    assert len({*passes}) == len(nodes)


def test_between_steps_side_by_side_others_have_their_turn():
    nodes = {f"wait{at}": {"type": "delay"} for at in range(5)}
    passes = begun(nodes, *(edge for node in nodes for edge in (f"start>{node}", f"{node}>end")))
    assert len({*passes}) == len(nodes)


def test_between_the_conditions_of_a_node_others_have_their_turn():
    branches = [{"port": f"port{at}", "condition": "false"} for at in range(20)]
    nodes = {
        "one": {"type": "delay"},
        "choice": {"type": "conditional", "config": {"branches": branches}},
        "two": {"type": "delay"},
    }
    one, two = begun(nodes, "start>one", "one>choice", "choice.else>two", "two>end")
    assert two - one >= len(branches)
