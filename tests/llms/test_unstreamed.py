"""A server that answers in one piece, though a stream was asked for."""

from collections.abc import AsyncIterator
from dataclasses import replace
from unittest import mock

import httpx
import pytest
from asgiref.sync import async_to_sync

from llms.errors import ProviderError
from llms.profiles import ProfileSpec
from llms.unstreamed import as_stream
from tests.core.web import web_server
from tests.llms.conftest import answered, question
from tests.llms.recorder import Recorder
from tests.wire import WireServer

CALCULATOR = {
    "name": "calculator",
    "description": "Reckons.",
    "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}},
}


def test_its_answer_is_read_and_booked_and_asked_for_once(
    wire: WireServer, openai: ProfileSpec, recorder: Recorder
) -> None:
    answer = answered(question(openai, "[[say=Grüße {}]] [[fault=unstreamed]] Hi"), recorder)
    (record,) = wire.meter.settled()
    assert answer.text == recorder.text() == "Grüße {}"
    assert (answer.finish_reason, answer.exactness) == ("stop", "metered")
    assert (answer.usage.input, answer.usage.output) == (record.usage.input, record.usage.output)


def test_all_its_calls_of_tools_are_told_apart(openai: ProfileSpec, recorder: Recorder) -> None:
    sums = [{"expression": "1+1"}, {"expression": "2+2"}]
    text = '[[tool=calculator {"expression": "1+1"}]] [[tool=calculator {"expression": "2+2"}]]'
    answer = answered(
        question(openai, f"{text} [[fault=unstreamed]] Hi", tools=[CALCULATOR]), recorder
    )
    assert answer.tool_calls == tuple(
        {"name": "calculator", "id": mock.ANY, "args": args} for args in sums
    )


def test_its_error_is_no_answer_that_broke_off(openai: ProfileSpec, recorder: Recorder) -> None:
    with web_server() as web, pytest.raises(ProviderError) as caught:
        answered(question(replace(openai, base_url=web.url("/erring")), "Hi"), recorder)
    assert caught.value.code == "provider_failed"
    assert len(web.seen) == 1


def test_lines_of_json_are_read_as_they_come() -> None:
    lines = [b'{"done": false}\n', b'{"done": true}\n']

    async def sent() -> AsyncIterator[bytes]:
        for line in lines:
            yield line

    async def first() -> bytes:
        response = httpx.Response(
            200,
            headers={"Content-Type": "application/x-ndjson"},
            content=sent(),
            request=httpx.Request("POST", "http://ollama/api/chat", json={"stream": True}),
        )
        await as_stream(response)
        return await anext(response.aiter_bytes())

    assert async_to_sync(first)() == lines[0]
