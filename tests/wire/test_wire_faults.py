"""Every fault, as the clients see it and as the meter has it."""

import asyncio
import json
import time
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI

from . import Record, WireServer
from .clients import Ask, anthropic_client, invoke, openai_client, stream
from .usage import Billed

# In the middle of a stream, Anthropic's client lets the transport's own errors through.
CONNECTION_ERRORS: Any = (
    openai.APIConnectionError,
    anthropic.APIConnectionError,
    httpx2.TransportError,
)
STATUS_ERRORS: Any = (openai.APIStatusError, anthropic.APIStatusError)
API_ERRORS: Any = (openai.APIError, anthropic.APIError)


def only(wire: WireServer) -> Record:
    """Wait for the end of the one request there was."""
    (record,) = wire.meter.settled()
    return record


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529])
def test_an_error_answer_costs_nothing(wire: WireServer, ask: Ask, status: int) -> None:
    with pytest.raises(STATUS_ERRORS) as caught:
        ask(f"hello [[fault={status}]]")
    error: Any = caught.value
    record = only(wire)
    assert error.status_code == record.status == status
    assert error.request_id == record.id
    assert (record.ended, record.usage, record.fault) == ("error", None, str(status))


def test_a_rate_limit_says_when_to_come_back(ask: Ask) -> None:
    with pytest.raises(STATUS_ERRORS) as caught:
        ask("hello [[fault=429 retry_after=1.5]]")
    error: Any = caught.value
    assert error.response.headers["retry-after"] == "1.5"


def test_a_full_context_and_an_empty_purse_are_told_in_openais_codes(gpt: ChatOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as full:
        gpt.invoke("[[fault=context]]")
    with pytest.raises(openai.RateLimitError) as broke:
        gpt.invoke("[[fault=quota]]")
    assert (full.value.code, broke.value.code) == ("context_length_exceeded", "insufficient_quota")


def test_a_full_context_and_an_empty_purse_are_told_in_anthropics_words(
    claude: ChatAnthropic,
) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        claude.invoke("[[fault=context]]")
    with pytest.raises(anthropic.BadRequestError, match="credit balance"):
        claude.invoke("[[fault=quota]]")


def test_a_fault_for_some_times_lets_a_retry_succeed(wire: WireServer) -> None:
    faults = "[[fault=429 retry_after=0.01 times=1]] [[fault=500 retry_after=0.01 times=2]]"
    openai_client(wire.url, max_retries=2).invoke(f"hello {faults}")
    attempts = [(record.attempt, record.status) for record in wire.meter.settled()]
    assert attempts == [(1, 429), (2, 500), (3, 200)]


@pytest.mark.parametrize(("after", "sent"), [(1, 1), (5, 5), (99, 8)])
def test_a_stream_can_be_cut_after_some_words(
    wire: WireServer, model: BaseChatModel, after: int, sent: int
) -> None:
    heard, told = "", []
    with pytest.raises(CONNECTION_ERRORS):
        for chunk in model.stream(f"hello [[words=8]] [[fault=cut after={after}]]"):
            heard += chunk.text
            told.append(chunk.usage_metadata)
    record = only(wire)
    assert record.usage == Billed(input=3 + 4, output=sent)
    assert (record.ended, record.sent_words, record.planned_words) == ("cut", sent, 8)
    assert (len(heard.split()), set(told), record.client_left) == (sent, {None}, False)


def test_a_whole_answer_that_is_cut_was_still_made(wire: WireServer, model: BaseChatModel) -> None:
    with pytest.raises(CONNECTION_ERRORS):
        model.invoke("hello [[fault=cut after=1]]")
    assert only(wire).usage == Billed(input=3 + 3, output=32)


def test_a_cut_before_any_byte_costs_nothing(wire: WireServer, ask: Ask) -> None:
    with pytest.raises(CONNECTION_ERRORS):
        ask("hello [[fault=cut]]")
    record = only(wire)
    assert (record.ended, record.usage, record.status) == ("cut", None, None)


@pytest.mark.parametrize("make", [openai_client, anthropic_client])
@pytest.mark.parametrize(
    ("fault", "usage"), [("hang", None), ("hang after=3", Billed(input=3 + 3, output=3))]
)
def test_a_client_that_gives_up_waiting_is_seen(
    wire: WireServer, make: Any, fault: str, usage: Billed | None
) -> None:
    with pytest.raises(CONNECTION_ERRORS):
        stream(make(wire.url, timeout=0.2))(f"hello [[fault={fault}]]")
    record = only(wire)
    assert (record.ended, record.client_left, record.usage) == ("left", True, usage)


def test_a_stream_closed_early_is_billed_as_far_as_it_went(
    wire: WireServer, model: BaseChatModel
) -> None:
    chunks: Any = model.stream("hello [[delay_ms=10]]")
    heard = ""
    while len(heard.split()) < 4:
        chunk = next(chunks)
        assert chunk.usage_metadata is None
        heard += chunk.text
    chunks.close()
    record = only(wire)
    assert (record.ended, record.client_left) == ("left", True)
    assert 4 <= record.sent_words < 32
    assert record.usage == Billed(input=3 + 2, output=record.sent_words)


def test_a_cancelled_task_closes_the_connection(
    wire: WireServer, model: BaseChatModel, loop: asyncio.Runner
) -> None:
    async def scenario() -> None:
        heard = asyncio.Event()

        async def listen() -> None:
            async for _ in model.astream("hello [[delay_ms=10]]"):
                heard.set()

        task = asyncio.create_task(listen())
        await asyncio.wait_for(heard.wait(), 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert (await asyncio.to_thread(only, wire)).client_left

    loop.run(scenario())


def test_a_whole_answer_nobody_waits_for_is_billed_whole(
    wire: WireServer, model: BaseChatModel, loop: asyncio.Runner
) -> None:
    async def scenario() -> Record:
        task = asyncio.create_task(model.ainvoke("hello [[first_ms=60000]]"))
        await asyncio.to_thread(wire.meter.received)
        task.cancel()
        return await asyncio.to_thread(only, wire)

    record = loop.run(scenario())
    assert (record.ended, record.usage) == ("left", Billed(input=3 + 2, output=32))


def test_a_slow_answer_comes_late(ask: Ask) -> None:
    started = time.monotonic()
    ask("hello [[fault=slow first_ms=150]]")
    assert time.monotonic() - started >= 0.15


def test_malformed_json_breaks_a_whole_answer(wire: WireServer, model: BaseChatModel) -> None:
    with pytest.raises(json.JSONDecodeError):
        invoke(model)("hello [[fault=malformed]]")
    assert only(wire).usage == Billed(input=3 + 2, output=32)


def test_malformed_json_breaks_a_stream_after_some_words(
    wire: WireServer, model: BaseChatModel
) -> None:
    with pytest.raises(json.JSONDecodeError):
        stream(model)("hello [[fault=malformed after=3]]")
    assert only(wire).usage == Billed(input=3 + 3, output=3)


def test_an_error_can_come_within_a_stream(wire: WireServer, model: BaseChatModel) -> None:
    with pytest.raises(API_ERRORS) as caught:
        stream(model)("hello [[fault=stream_error after=3]]")
    error: Any = caught.value
    assert error.type in ("server_error", "overloaded_error")
    record = only(wire)
    assert (record.ended, record.status) == ("error", 200)
    assert record.usage == Billed(input=3 + 3, output=3)


def test_an_empty_answer_still_costs_a_token(wire: WireServer, ask: Ask) -> None:
    message = ask("hello [[fault=empty]]")
    assert (message.text, message.usage_metadata["output_tokens"]) == ("", 1)
    assert only(wire).usage == Billed(input=3 + 2, output=1)


def test_a_filtered_answer_says_so(wire: WireServer, ask: Ask) -> None:
    message = ask("hello [[fault=content_filter after=2]]")
    told = message.response_metadata
    assert told.get("finish_reason", told.get("stop_reason")) in ("content_filter", "refusal")
    assert message.text == "You asked:"
    assert only(wire).usage == Billed(input=3 + 3, output=2)


def test_usage_that_is_never_told_is_billed(wire: WireServer, ask: Ask) -> None:
    """LangChain makes None of it for OpenAI, and zeros for Anthropic."""
    usage = ask("hello [[fault=no_usage]]").usage_metadata
    assert usage is None or usage["total_tokens"] == 0
    assert only(wire).usage == Billed(input=3 + 2, output=32)


def test_a_gateway_may_tell_totals_only(
    wire: WireServer, gpt: ChatOpenAI, claude: ChatAnthropic
) -> None:
    question = "hello [[fault=bare_usage]] [[cached=9]]"
    assert invoke(gpt)(question).usage_metadata["input_tokens"] == 3 + 3 + 9
    assert stream(gpt)(question).usage_metadata["input_token_details"] == {}
    assert stream(claude)(question).usage_metadata["input_tokens"] == 0
    (usage,) = {record.usage for record in wire.meter.settled()}
    assert usage == Billed(input=3 + 3, cache_read=9, output=32)
