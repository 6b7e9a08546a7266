"""The longest answer is told a provider by the name it knows: only that bounds it."""

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from core.models import new_id
from llms.clients import chat_model
from llms.preparing import prepare
from llms.profiles import ProfileSpec
from tests.llms.chunks import ChunkModel
from tests.llms.conftest import answered, in_loop, question, wire_spec
from tests.llms.recorder import Recorder
from tests.wire import WireServer


def ollama(**parameters: Any) -> ProfileSpec:
    return ProfileSpec(
        id=new_id(),
        provider="local",
        provider_kind="ollama",
        model="llama",
        parameters=parameters,
        context_window=8_000,
    )


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the provider's own class is given."""
    found: list[dict[str, Any]] = []

    async def chat_model(_: ProfileSpec, parameters: dict[str, Any]) -> ChunkModel:
        found.append(dict(parameters))
        return ChunkModel(
            chunks=[AIMessageChunk("Hello", response_metadata={"done_reason": "stop"})]
        )

    monkeypatch.setattr("llms.preparing.chat_model", chat_model)
    return found


@pytest.mark.parametrize(
    ("profile", "asked", "known"),
    [
        ({}, {"max_tokens": 50}, {"num_predict": 50}),
        ({"max_tokens": 70}, {}, {"num_predict": 70}),
        ({"num_predict": 70}, {"max_tokens": 50}, {"num_predict": 50}),
        ({"num_predict": 70, "top_k": 5}, {}, {"num_predict": 70, "top_k": 5}),
        ({"num_predict": -1}, {"max_completion_tokens": 90}, {"num_predict": 90}),
    ],
)
def test_ollama_is_told_by_its_own_name(told, recorder, profile, asked, known):
    answered(question(ollama(**profile), "Hi", parameters=asked), recorder)
    assert told == [known]
    call = recorder.call
    assert call.parameters["num_predict"] == known["num_predict"]
    assert call.upper_bound_tokens < known["num_predict"] + 200


def test_the_tokens_left_of_a_run_bound_it_by_that_name(told, recorder):
    answered(question(ollama(num_predict=500), "Hi", tokens_left=30), recorder)
    assert told == [{"num_predict": 30}]


def test_no_limit_is_none(told, recorder: Recorder):
    answered(question(ollama(num_predict=-1), "Hi"), recorder)
    assert told == [{"num_predict": -1}]
    assert recorder.call.upper_bound_tokens > 8_000


@pytest.mark.parametrize("whole", [False, True], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, {"max_tokens": 6}),
        ({"max_output_tokens": None, "context_window": 300}, {}),
        ({"max_output_tokens": None, "context_window": None, "parameters": {"max_tokens": 6}}, {}),
    ],
    ids=["by its caller", "by its context", "by its profile"],
)
def test_a_server_that_only_speaks_as_openai_does_is_told_by_the_older_name(
    wire: WireServer,
    recorder: Recorder,
    fields: dict[str, Any],
    asked: dict[str, Any],
    whole: bool,
) -> None:
    """Ollama and LM Studio overlook the newer one, and Mistral refuses it."""
    given = {"disable_streaming": whole, **asked}
    answered(question(wire_spec(wire, "openai", **fields), "Hi", parameters=given), recorder)
    (record,) = wire.meter.settled()
    assert "max_completion_tokens" not in record.options
    assert record.options["max_tokens"] == recorder.call.parameters["max_tokens"]


def test_unless_its_profile_says_the_newer_one(wire: WireServer, recorder: Recorder) -> None:
    """A gateway may pass it on to a model of OpenAI that knows no other."""
    spec = wire_spec(wire, "openai", parameters={"max_completion_tokens": 90})
    for most in (90, 6):
        answered(question(spec, "Hi", parameters={"max_tokens": most}), recorder)
    told = [record.options for record in wire.meter.settled()]
    assert [one["max_completion_tokens"] for one in told] == [90, 6]
    assert not any("max_tokens" in one for one in told)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("", "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1/", "max_completion_tokens"),
        ("https://api.mistral.ai/v1", "max_tokens"),
        ("http://localhost:11434/v1", "max_tokens"),
        ("https://notopenai.com/v1", "max_tokens"),
    ],
)
def test_openai_itself_is_told_by_the_newer_name(address: str, name: str) -> None:
    spec = ProfileSpec(
        id=new_id(), provider="p", provider_kind="openai", model="gpt-x", base_url=address
    )

    async def scenario() -> Any:
        return await chat_model(spec, {"max_tokens": 6})

    payload = in_loop(scenario)._get_request_payload("Hi", max_tokens=5)
    assert {name: payload.get(name) for name in ("max_tokens", "max_completion_tokens")} == {
        "max_tokens": None,
        "max_completion_tokens": None,
        name: 5,
    }


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-5-mini", "max_completion_tokens"),
        ("openai/o3", "max_completion_tokens"),
        ("openai.GPT-5", "max_completion_tokens"),
        ("gpt-4o-mini", "max_tokens"),
        ("openai/gpt-oss-20b", "max_tokens"),
        ("olmo-2", "max_tokens"),
    ],
)
def test_models_that_take_no_other_name_are_told_by_it_behind_a_gateway(
    model: str, name: str, wire: WireServer, recorder: Recorder
) -> None:
    spec = wire_spec(wire, "openai", model=model)
    answered(question(spec, "Hi", parameters={"max_tokens": 6}), recorder)
    (record,) = wire.meter.settled()
    assert {"max_tokens", "max_completion_tokens"} & record.options.keys() == {name}


@pytest.mark.parametrize(("asked", "most"), [({}, 285), ({"max_tokens": 40}, 40)])
def test_azure_is_told_by_the_newer_name_what_the_context_leaves_too(
    asked: dict[str, Any], most: int
) -> None:
    """Its models that think refuse a request with the older one."""
    spec = ProfileSpec(
        id=new_id(),
        provider="p",
        provider_kind="azure_openai",
        model="gpt-x",
        base_url="https://mine.openai.azure.com/openai/deployments/mine",
        parameters={"api_version": "2024-10-21"},
        context_window=300,
    )

    async def scenario() -> Any:
        return await prepare(question(spec, "Hi", parameters=asked))

    prepared: Any = in_loop(scenario)
    payload = prepared.model._get_request_payload("Hi", **prepared.options)
    assert "max_tokens" not in payload
    assert payload["max_completion_tokens"] == most
