"""The longest answer is told a provider by the name it knows: only that bounds it."""

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from core.models import new_id
from llms.profiles import ProfileSpec
from tests.llms.chunks import ChunkModel
from tests.llms.conftest import answered, question
from tests.llms.recorder import Recorder


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
