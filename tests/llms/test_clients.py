"""Chat models are made once, with our key and our address and nobody else's."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

from core.models import new_id
from llms.clients import chat_model, is_installed, package_of
from llms.errors import ProviderError
from llms.headers import client_options, request_options
from llms.profiles import ProfileSpec
from tests.llms.conftest import answered, in_loop, question, wire_spec
from tests.llms.recorder import Recorder
from tests.wire import WireServer


def made(kind: str, address: str = "", **parameters: object) -> object:
    spec = ProfileSpec(
        id=new_id(), provider="p", provider_kind=kind, model="gpt-x", base_url=address
    )

    async def scenario() -> object:
        return await chat_model(spec, parameters)

    return in_loop(scenario)


def test_the_keys_and_addresses_of_the_process_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another provider's, as far as this one is concerned."""
    for name in ("OPENAI", "ANTHROPIC", "AZURE_OPENAI"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-of-the-environment")
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9")
    openai, anthropic = made("openai"), made("anthropic")
    assert openai.openai_api_base == "https://api.openai.com/v1"  # type: ignore[attr-defined]
    assert openai.openai_api_key.get_secret_value() == "none"  # type: ignore[attr-defined]
    assert anthropic.anthropic_api_url == "https://api.anthropic.com"  # type: ignore[attr-defined]
    assert anthropic.anthropic_api_key.get_secret_value() == "none"  # type: ignore[attr-defined]
    elsewhere = "http://127.0.0.1:9/openai/deployments/x"
    azure = made("azure_openai", elsewhere, api_version="2024-10-21")
    assert azure.openai_api_base == elsewhere  # type: ignore[attr-defined]
    assert azure.openai_api_key.get_secret_value() == "none"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("anthropic", "base_url"),
        ("anthropic", "anthropic_proxy"),
        ("openai", "openai_proxy"),
    ],
)
def test_no_key_is_sent_to_where_more_of_the_body_says(
    wire: WireServer, recorder: Recorder, kind: str, field: str
) -> None:
    """LangChain takes it for its own field, and would call there with the provider's key."""
    elsewhere = {"model_kwargs": {field: wire.url}}
    spec = wire_spec(wire, kind, base_url="http://127.0.0.1:9", parameters=elsewhere)
    for _ in range(2):
        with pytest.raises(ProviderError) as told:
            answered(question(spec, "Hi"), recorder)
        assert told.value.code == "invalid_parameters"
        assert f"model_kwargs.{field}" in told.value.message
    assert not wire.meter.settled()


def test_what_is_in_more_of_the_body_stays_there(wire: WireServer, recorder: Recorder) -> None:
    more = {"model_kwargs": {"temperature": 0.5, "user": "u"}}
    spec = wire_spec(wire, "openai", parameters=more)
    for _ in range(2):
        answered(question(spec, "Hi"), recorder)
    told = [one.options for one in wire.meter.settled()]
    assert [(one["temperature"], one["user"]) for one in told] == [(0.5, "u")] * 2
    assert spec.parameters == {"model_kwargs": {"temperature": 0.5, "user": "u"}}


def test_no_log_however_much_it_tells_has_what_goes_over_the_wire(
    spec: ProfileSpec, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Headers and addresses may hold keys."""
    with caplog.at_level(logging.DEBUG):
        answered(question(spec, "Nobody else is to read this."), recorder)
    assert "Nobody else" not in caplog.text
    assert spec.api_key not in caplog.text
    assert "content-type" not in caplog.text.lower()


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_the_sdks_do_not_retry_behind_our_back(kind: str) -> None:
    assert made(kind).max_retries == 0  # type: ignore[attr-defined]


def test_a_chat_model_is_made_once_for_all_who_ask_for_it() -> None:
    spec = ProfileSpec(id=new_id(), provider="p", provider_kind="openai", model="gpt-x")

    async def scenario() -> None:
        models = await asyncio.gather(*(chat_model(spec, {"temperature": 0}) for _ in range(5)))
        assert len({id(model) for model in models}) == 1
        assert await chat_model(spec, {"temperature": 1}) is not models[0]

    in_loop(scenario)


def test_packages_are_named_as_they_are_installed() -> None:
    assert package_of("google_genai") == "langchain-google-genai"
    assert package_of("bedrock_converse") == "langchain-aws"
    assert package_of("mistralai") == "langchain-mistralai"
    assert [is_installed(kind) for kind in ("openai", "anthropic", "demo", "ollama")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "kind", ["openai", "anthropic", "azure_openai", "deepseek", "groq", "together", "xai"]
)
def test_a_client_that_takes_headers_is_given_the_ids_of_the_call(kind: str) -> None:
    call = new_id()
    told = request_options(kind, call, "my-id")
    assert told == {"extra_headers": {"X-Chatter-Call": str(call), "X-Request-ID": "my-id"}}
    assert client_options(kind) == {}


def test_a_client_that_takes_none_sends_those_of_the_call_that_its_task_makes() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["X-Chatter-Call"], request.headers["X-Request-ID"]))
        return httpx.Response(200)

    async def asks(client: httpx.AsyncClient, call: Any) -> None:
        assert request_options("ollama", call, f"of {call}") == {}
        await asyncio.sleep(0)
        await client.get("http://127.0.0.1/")

    async def scenario() -> None:
        options = client_options("ollama")["async_client_kwargs"]
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), **options) as client:
            await asyncio.gather(*(asks(client, one) for one in calls))

    calls = [new_id() for _ in range(3)]
    in_loop(scenario)
    assert sorted(seen) == sorted((str(one), f"of {one}") for one in calls)


@pytest.mark.parametrize("kind", ["demo", "openai"])
def test_parameters_that_no_model_can_be_made_of_are_told(kind: str) -> None:
    odd = {"max_tokens": "many", "delay_ms_per_word": "slowly"}
    with pytest.raises(ProviderError) as told:
        made(kind, **odd)
    assert (told.value.code, told.value.unbilled) == ("invalid_parameters", True)
