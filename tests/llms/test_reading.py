"""Answers in the shapes that providers' packages give them, from a chat model made of chunks."""

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk

from llms.errors import ProviderError
from llms.profiles import ProfileSpec
from tests.llms.chunks import ChunkModel
from tests.llms.conftest import answered, demo_spec, question
from tests.llms.recorder import Recorder

TOOL = {"name": "t", "description": "", "parameters": {"type": "object"}}
END = {"finish_reason": "stop", "model_name": "served"}


@pytest.fixture
def model_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the door ask a model that gives these chunks."""

    def use(*chunks: Any) -> ProfileSpec:
        async def chat_model(*_: Any) -> BaseChatModel:
            return ChunkModel(chunks=list(chunks))

        monkeypatch.setattr("llms.preparing.chat_model", chat_model)
        return demo_spec()

    return use


def usage(read: int, written: int) -> Any:
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def text(content: Any, **fields: Any) -> AIMessageChunk:
    return AIMessageChunk(content=content, **fields)


def test_running_totals_are_not_added_up(model_of: Any, recorder: Recorder) -> None:
    spec = model_of(
        text("a ", usage_metadata=usage(10, 1)),
        text("b", usage_metadata=usage(10, 2)),
        text("", usage_metadata=usage(10, 2), response_metadata=END),
    )
    answered(question(spec, "Hi"), recorder)
    assert (recorder.call.total_tokens, recorder.call.exactness) == (12, "metered")


def test_a_running_total_is_not_the_last_word_when_the_stream_breaks(
    model_of: Any, recorder: Recorder
) -> None:
    spec = model_of(text("four words are here ", usage_metadata=usage(10, 1)), OSError("gone"))
    with pytest.raises(ProviderError):
        answered(question(spec, "Hi", max_attempts=1), recorder)
    assert recorder.call.exactness == "estimated"
    assert recorder.call.output_tokens == 5


def test_what_breaks_after_the_whole_answer_has_come_does_not_matter(
    model_of: Any, recorder: Recorder
) -> None:
    whole = text("all", usage_metadata=usage(3, 1), response_metadata=END)
    answer = answered(question(model_of(whole, ConnectionResetError()), "Hi"), recorder)
    assert answer.text == "all"
    assert (recorder.call.status, recorder.call.exactness) == ("succeeded", "metered")
    assert recorder.call.served_model == "served"


def test_an_answer_without_an_end_was_cut(model_of: Any, recorder: Recorder) -> None:
    with pytest.raises(ProviderError) as caught:
        answered(question(model_of(text("half an")), "Hi", max_attempts=1), recorder)
    assert caught.value.code == "provider_cut"
    assert recorder.call.exactness == "estimated"


@pytest.mark.parametrize("end", ["error", "abort", "insufficient_system_resource"])
def test_an_answer_that_its_provider_broke_off_is_none(
    model_of: Any, recorder: Recorder, end: str
) -> None:
    """OpenRouter, Mistral, vLLM and DeepSeek end it as any other, and say so there."""
    broken_off = text("", usage_metadata=usage(10, 2), response_metadata={"finish_reason": end})
    spec = model_of(text("half an"), broken_off)
    with pytest.raises(ProviderError) as caught:
        answered(question(spec, "Hi", max_attempts=2, first_wait_s=0), recorder)
    assert caught.value.code == "provider_failed"
    assert [call.status for call in recorder.calls] == ["failed", "failed"]
    assert [(call.total_tokens, call.exactness) for call in recorder.calls] == [(12, "metered")] * 2


@pytest.mark.parametrize("end", ["SAFETY", "PROHIBITED_CONTENT", "guardrail_intervened"])
def test_what_gemini_and_bedrock_withhold_is_told_as_such(
    model_of: Any, recorder: Recorder, end: str
) -> None:
    spec = model_of(text("", usage_metadata=usage(10, 0), response_metadata={"finish_reason": end}))
    with pytest.raises(ProviderError) as caught:
        answered(question(spec, "Hi", max_attempts=3), recorder)
    assert caught.value.code == recorder.call.error_code == "content_filtered"


@pytest.mark.parametrize("end", ["tool_calls", "tool_use", "MALFORMED_FUNCTION_CALL"])
@pytest.mark.parametrize("said", ["", "\n\n"], ids=["nothing", "lines"])
def test_an_answer_that_ends_with_calls_and_has_none_is_asked_for_again(
    model_of: Any, recorder: Recorder, end: str, said: str
) -> None:
    """Its server could not read what the model wrote; an empty answer would be told."""
    ended = text("", usage_metadata=usage(10, 2), response_metadata={"finish_reason": end})
    spec = model_of(text(said), ended)
    with pytest.raises(ProviderError) as caught:
        answered(question(spec, "Hi", tools=[TOOL], max_attempts=2, first_wait_s=0), recorder)
    assert (caught.value.code, len(recorder.calls)) == ("tool_call_unreadable", 2)
    told = answered(question(spec, "Hi", tools=[TOOL], may_call_tools=False), Recorder())
    assert told.text == said


@pytest.mark.parametrize("ids", [("", ""), (None, None), ("call_0", "call_0"), ("", "call_0")])
def test_each_of_the_calls_has_an_id_of_its_own(
    model_of: Any, recorder: Recorder, ids: tuple[str | None, ...]
) -> None:
    """Gemini's OpenAI-compatible door leaves them out; a result says by its id whose it is."""
    pieces = [
        {"name": "t", "args": f'{{"place": {place}}}', "id": id, "index": place}
        for place, id in enumerate(ids)
    ]
    spec = model_of(text("", tool_call_chunks=pieces), text("", response_metadata=END))
    calls = answered(question(spec, "Hi"), recorder).tool_calls
    assert [call["args"] for call in calls] == [{"place": 0}, {"place": 1}]
    assert len({*(call["id"] for call in calls), ""}) == 3
    assert [call["id"] for call in recorder.call.answer["tool_calls"]] == [c["id"] for c in calls]


def test_a_call_is_read_whatever_else_its_pieces_hold(model_of: Any, recorder: Recorder) -> None:
    """LangChain cannot put these together: what one says in a list, another says otherwise."""
    pieces = [
        {"name": "t", "args": '{"a":', "id": "1", "index": 0},
        {"name": None, "args": "1}", "id": None, "index": 0},
    ]
    blocks = [{"type": "tool_use", "index": 0, "input": input} for input in ([], {"b": 2})]
    chunks = [
        text([block], tool_call_chunks=[piece]) for block, piece in zip(blocks, pieces, strict=True)
    ]
    end = text("", usage_metadata=usage(3, 9), response_metadata=END)
    answer = answered(question(model_of(*chunks, end), "Hi", tools=[TOOL]), recorder)
    assert [call["args"] for call in answer.tool_calls] == [{"a": 1}]


@pytest.mark.parametrize("end", ["model_length", "model_context_window_exceeded"])
def test_tools_are_not_called_where_the_models_context_ended(
    model_of: Any, recorder: Recorder, end: str
) -> None:
    call = {"name": "t", "args": '{"amount": 1}', "id": "1", "index": 0}
    spec = model_of(
        text("", tool_call_chunks=[call]), text("", response_metadata={"finish_reason": end})
    )
    with pytest.raises(ProviderError) as caught:
        answered(question(spec, "Hi", tools=[TOOL]), recorder)
    assert caught.value.code == "tool_call_cut"


@pytest.mark.parametrize(
    "thought",
    [
        text("", additional_kwargs={"reasoning_content": "hm"}),
        text([{"type": "thinking", "thinking": "hm", "index": 0}]),
        text([{"type": "reasoning", "reasoning": "hm"}]),
        text([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]),
    ],
    ids=["deepseek, ollama", "anthropic", "standard", "openai responses"],
)
def test_thoughts_are_found_wherever_they_stand(
    model_of: Any, recorder: Recorder, thought: AIMessageChunk
) -> None:
    spec = model_of(
        thought, text([{"type": "text", "text": "yes"}]), text("", response_metadata=END)
    )
    answer = answered(question(spec, "Hi"), recorder)
    assert (answer.reasoning, answer.text) == ("hm", "yes")
    assert recorder.call.reasoning_tokens == 1, "estimated like text"


def test_what_no_database_can_hold_is_nowhere_in_a_tool_call(
    model_of: Any, recorder: Recorder
) -> None:
    call = {"name": "t", "args": '{"a\\u0000": ["b\\ud800"]}', "id": "1", "index": 0}
    spec = model_of(text("", tool_call_chunks=[call]), text("", response_metadata=END))
    answer = answered(question(spec, "Hi"), recorder)
    assert answer.tool_calls == ({"id": "1", "name": "t", "args": {"a": ["b\ufffd"]}},)


def test_nor_in_what_a_provider_says_of_its_answer(model_of: Any, recorder: Recorder) -> None:
    call = {"name": "t\x00", "args": "{}", "id": "1\x00", "index": 0}
    end = {"finish_reason": "st\x00op", "model_name": "gpt\x00", "id": "re\ud800q"}
    spec = model_of(text("", tool_call_chunks=[call]), text("", response_metadata=end))
    answer = answered(question(spec, "Hi"), recorder)
    assert answer.tool_calls == ({"id": "1", "name": "t", "args": {}},)
    told = recorder.call.finish_reason, recorder.call.served_model
    assert (*told, recorder.call.provider_request_id) == ("stop", "gpt", "re\ufffdq")
