"""A pause: fixed, by chance, or longer each time; the same after a replay."""

import asyncio
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from tests.fakes import FakeServices, run_graph
from workflows.nodes.base import Inputs, Visit
from workflows.nodes.delay import Config, DelayNode


def slept(config):
    nodes = {"start": {}, "delay": {"config": config}, "end": {}}
    return run_graph(nodes, ["start>delay", "delay>end"], "kept")


def visited(config, number=1, execution="one"):
    """The seconds of one visit."""
    services = FakeServices()
    context = SimpleNamespace(seed=execution, services=services, path="")
    inputs = Inputs(text="", variables={}, nodes={})
    visit = Visit(context, "delay", number)
    outputs = asyncio.run(DelayNode().run(Config(**config), inputs, visit))
    assert services.slept == [outputs.values["seconds"]]
    return services.slept[0]


def test_a_fixed_delay_asks_for_its_time_and_passes_the_text_on():
    ran = slept({"seconds": 2.5})
    assert ran.services.slept == [2.5]
    assert ran.result.text == "kept"


def test_a_random_delay_lies_between_its_bounds():
    config = {"kind": "random", "seconds": 1, "max_seconds": 3}
    chosen = {visited(config, execution=f"run {at}") for at in range(50)}
    assert len(chosen) == 50
    assert all(1 <= seconds <= 3 for seconds in chosen)


def test_a_replay_chooses_what_was_chosen_by_chance():
    config = {"kind": "random", "seconds": 0, "max_seconds": 3600}
    assert visited(config) == visited(config)
    assert visited(config) != visited(config, number=2)


def test_an_exponential_delay_grows_by_visit_up_to_its_cap():
    config = {"kind": "exponential", "seconds": 1, "factor": 3, "max_seconds": 20}
    assert [visited(config, number) for number in (1, 2, 3, 4, 5)] == [1, 3, 9, 20, 20]
    assert visited(config, number=100_000) == 20
    assert visited({"kind": "exponential", "factor": 10}, number=100_000) == 3600


@pytest.mark.parametrize(
    "config",
    [
        {"seconds": -1},
        {"seconds": 3601},
        {"seconds": float("nan")},
        {"kind": "random", "max_seconds": 0},
        {"kind": "exponential", "factor": 0.5},
        {"kind": "forever"},
    ],
)
def test_a_delay_that_makes_no_sense_is_refused(config):
    with pytest.raises(ValidationError):
        Config(**config)
