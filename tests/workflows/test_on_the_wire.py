"""What a model node says is what its provider is asked, in the words of each provider."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from llms.models import ModelCall, ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import take_up
from tests.factories.llms import ProfileFactory, ProviderFactory
from tests.wire import Record, WireServer
from workflows.models import WorkflowExecution

NONE = {"openai": "none", "anthropic": {"type": "none"}}
TEXT = "[[tool=clock {}]] [[rounds=9]] What time is it?"


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: str, wire: WireServer, built_in: None) -> str:
    """A model of each kind of provider in turn."""
    address = wire.url + ("/v1" if kind == "openai" else "")
    provider = ProviderFactory(name="wire", kind=kind, base_url=address)
    able = ["text", "tools", "structured_output"]
    ProfileFactory(provider=provider, model="test", max_output_tokens=2_000, capabilities=able)
    return "wire:test"


@pytest.fixture
def ran(
    model: str, alice: User, api: Callable[[User], APIClient]
) -> Callable[..., WorkflowExecution]:
    """Run a model with its tools to the end."""

    def run(message: str, **config: Any) -> WorkflowExecution:
        edges = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
        asked = asks(model=model, **config)
        whole = graph(asked, {"id": "tools", "type": "tools"}, edges=edges)
        if not config.get("tools"):
            whole = graph(asked)
        body = {"graph": whole, "input": {"message": message}, "mode": "background"}
        told = api(alice).post("/api/v1/workflows/execute/", body)
        assert told.status_code == 202, told.json()
        take_up()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return run


SETTINGS = {
    "temperature": 0.5,
    "top_p": 0.25,
    "stop": ["END", "###"],
    "seed": 11,
    "presence_penalty": -1.5,
    "frequency_penalty": 1.5,
}
# What Anthropic knows of these, by its own names.
KNOWN = {
    "openai": SETTINGS,
    "anthropic": {"temperature": 0.5, "top_p": 0.25, "stop_sequences": ["END", "###"]},
}


def choices(wire: WireServer) -> list[Any]:
    return [record.options.get("tool_choice") for record in requests(wire)]


def requests(wire: WireServer) -> list[Record]:
    return wire.meter.settled()


def test_after_enough_rounds_the_provider_is_told_that_no_tool_may_be_called(ran, wire, kind):
    execution = ran(TEXT.replace("9", "2"), tools=["clock"], max_rounds=2)
    assert (execution.status, choices(wire)) == ("completed", [None, None, NONE[kind]])
    assert [record.tools for record in requests(wire)] == [("clock",)] * 3
    rows = ModelCall.objects.filter(origin=execution.origin).order_by("visit")
    assert [row.parameters.get("tool_choice") for row in rows] == [None, None, "none"]


def test_a_replay_knows_the_last_question_too(ran, wire, alice, api):
    source = ran(TEXT.replace("9", "1"), tools=["clock"], max_rounds=1)
    asked = len(requests(wire))
    told = api(alice).post(f"/api/v1/executions/{source.pk}/replay/", {"mode": "background"})
    take_up()
    replay = WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])
    assert (replay.status, replay.output) == ("completed", source.output)
    assert len(requests(wire)) == asked
    first, last = ModelCall.objects.filter(origin=replay.origin).order_by("visit")
    assert "tool_choice" not in first.parameters
    assert last.parameters["tool_choice"] == "none"


def test_a_model_that_asks_for_a_tool_all_the_same_fails_the_run(ran, wire, kind):
    execution = ran(TEXT, tools=["clock"], max_rounds=1)
    assert (execution.status, execution.error["code"]) == ("failed", "too_many_tool_calls")
    assert choices(wire) == [None, NONE[kind]]


def test_an_answer_is_mended_without_tools(ran, wire, kind):
    wire.script("say=nothing", next=1)
    wire.script('say={"a":1}', next=1)
    schema = {"type": "object", "required": ["a"]}
    execution = ran("Tell me", tools=["clock"], output_schema=schema)
    assert (execution.status, choices(wire)) == ("completed", [None, NONE[kind]])


def settings_of(record: Record) -> dict[str, Any]:
    return {name: record.options[name] for name in record.options if name in _SETTINGS}


_SETTINGS = {*SETTINGS, "stop_sequences"}


def test_what_a_node_sets_reaches_the_provider_where_it_knows_it(ran, wire, kind):
    execution = ran("hello", **SETTINGS)
    [record] = requests(wire)
    assert (execution.status, settings_of(record)) == ("completed", KNOWN[kind])
    [row] = ModelCall.objects.filter(origin=execution.origin)
    sent = {name: value for name, value in SETTINGS.items() if name in row.parameters}
    known = {name.removesuffix("_sequences") for name in KNOWN[kind]}
    assert (row.parameters | sent, set(sent)) == (row.parameters, known)


def test_what_a_node_leaves_open_its_provider_is_not_told(ran, wire, kind):
    ran("hello")
    [record] = requests(wire)
    assert settings_of(record) == {}


@pytest.mark.parametrize("stop", ["stop", "stop_sequences"])
def test_what_a_node_sets_goes_before_what_the_profile_says(ran, wire, kind, stop):
    said = {"temperature": 1, "top_p": 1, stop: ["PROFILE"]}
    ModelProfile.objects.filter(provider__kind=kind).update(parameters=said)
    forget_profiles()
    ran("hello")
    ran("hello", top_p=0.25, stop=["END", "###"])
    names = {"openai": "stop", "anthropic": "stop_sequences"}
    first, second = map(settings_of, requests(wire))
    assert first == {"temperature": 1, "top_p": 1, names[kind]: ["PROFILE"]}
    assert second == {"temperature": 1, "top_p": 0.25, names[kind]: ["END", "###"]}


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_another_setting_is_another_question(ran, wire, kind, setting):
    plain, other = ran("hello"), ran("hello", **{setting: SETTINGS[setting]})
    one, two = (ModelCall.objects.get(origin=run.origin).request_hash for run in (plain, other))
    assert (one != two) == (setting in KNOWN[kind] or setting == "stop")
