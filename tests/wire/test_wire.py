"""Answers, and what the clients believe they used against what the server billed."""

from typing import Any

import anthropic
import openai
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from . import WireServer
from .clients import Ask, anthropic_client, believed, invoke, openai_client, stream
from .usage import Billed


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_an_answer_echoes_the_question_and_repeats_itself(ask: Ask) -> None:
    first, second = ask("Why is the sky blue?"), ask("Why is the sky blue?")
    assert first.text.startswith("You asked: Why is the sky blue?")
    assert first.text == second.text
    assert len(first.text.split()) == 32


@pytest.mark.parametrize(
    ("directives", "billed"),
    [
        ("", Billed(input=3 + 2, output=32)),
        ("[[words=7]]", Billed(input=3 + 3, output=7)),
        ("[[words=7 cached=100]]", Billed(input=3 + 4, cache_read=100, output=7)),
        ("[[words=7]] [[cache_write=50]]", Billed(input=3 + 4, cache_write=50, output=7)),
        ("[[words=7 cache_write=50 ttl=1h]]", Billed(input=3 + 5, cache_write=50, output=7)),
        ("[[words=7]] [[reasoning=40]]", Billed(input=3 + 4, output=7, reasoning=40)),
        (
            "[[words=7 cached=9 cache_write=8 reasoning=5]]",
            Billed(input=3 + 6, cache_read=9, cache_write=8, output=7, reasoning=5),
        ),
    ],
)
def test_the_client_and_the_meter_agree_on_usage(
    wire: WireServer, ask: Ask, directives: str, billed: Billed
) -> None:
    message = ask(f"hello there {directives}")
    (record,) = wire.meter.settled()
    assert believed(message) == record.usage == billed
    assert (record.ended, record.status, record.client_left) == ("done", 200, False)
    assert record.sent_words == record.planned_words == billed.output


def test_both_apis_count_a_talk_the_same(gpt: ChatOpenAI, claude: ChatAnthropic) -> None:
    talk = [
        SystemMessage("be very brief"),
        HumanMessage("one two"),
        AIMessage("three"),
        HumanMessage("four five"),
    ]
    for model in (gpt, claude):
        assert believed(invoke(model)(talk)) == Billed(input=8 + 4 * 3, output=32)


def test_a_record_names_the_call_and_the_request(wire: WireServer, ask: Ask) -> None:
    ask("hello there", extra_headers={"X-Chatter-Call": "row-7"})
    (record,) = wire.meter.of_call("row-7")
    assert (record.question, record.attempt) == ("hello there", 1)
    assert record.protocol in ("openai", "anthropic")


def test_a_whole_answer_carries_the_records_id(wire: WireServer, model: BaseChatModel) -> None:
    message = model.invoke("hello")
    assert wire.meter.find(message.response_metadata["id"]) == wire.meter.records[0]


def test_openai_tells_no_streamed_usage_unless_asked(wire: WireServer) -> None:
    model = openai_client(wire.url, stream_usage=None)
    assert stream(model)("hello").usage_metadata is None
    assert wire.meter.settled()[0].usage == Billed(input=4, output=32)


def test_openai_streams_usage_in_a_chunk_without_choices(wire: WireServer) -> None:
    client = openai.OpenAI(base_url=wire.url + "/v1", api_key="key")
    chunks = list(
        client.chat.completions.create(
            model="gpt-test",
            messages=[{"role": "user", "content": "hello [[words=3]]"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert [len(chunk.choices) for chunk in chunks] == [1] * 5 + [0]
    assert [chunk.usage is not None for chunk in chunks] == [False] * 5 + [True]


def test_only_a_whole_anthropic_answer_splits_cache_writes_by_time(claude: ChatAnthropic) -> None:
    whole, streamed = (
        ask("[[cache_write=50 ttl=1h]]").usage_metadata["input_token_details"]
        for ask in (invoke(claude), stream(claude))
    )
    assert (whole["cache_creation"], whole["ephemeral_1h_input_tokens"]) == (0, 50)
    assert streamed == {"cache_creation": 50, "cache_read": 0}


def test_anthropic_shows_its_thinking(wire: WireServer) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    model = anthropic_client(wire.url, max_tokens=2048, thinking=thinking)
    for ask in (invoke(model), stream(model)):
        thought, text = ask("[[reasoning=6 words=4]]").content
        assert len(thought["thinking"].split()) == 6
        assert thought["signature"]
        assert text["text"] == "The server answers with"


def test_an_answer_stops_at_the_token_limit(ask: Ask) -> None:
    message = ask("count [[words=30]]", max_tokens=5)
    told = message.response_metadata
    assert told.get("finish_reason", told.get("stop_reason")) in ("length", "max_tokens")
    assert believed(message).output == len(message.text.split()) == 5


def test_an_answer_can_be_given_word_for_word(ask: Ask) -> None:
    assert ask('[[say={"colour": "blue"}]]').text == '{"colour": "blue"}'


def test_characters_survive_being_torn_apart(wire: WireServer, ask: Ask) -> None:
    text = ask("[[unicode]] [[chop=3]] [[words=9]]").text
    assert text == "naïve привет 日本語 한국어 🙂 👩\u200d👩\u200d👧 e\u0301 ½ zażółć"
    assert wire.meter.settled()[0].usage == Billed(input=3 + 3, output=9)


def test_a_tool_is_called_if_it_was_offered(wire: WireServer, model: BaseChatModel) -> None:
    question = '[[tool=add {"a": 1, "b": 2}]] add them'
    bound = model.bind_tools([add])
    for ask in (invoke(bound), stream(bound)):
        message = ask(question)
        (call,) = message.tool_calls
        assert (call["name"], call["args"]) == ("add", {"a": 1, "b": 2})
        record = wire.meter.settled()[-1]
        assert believed(message) == record.usage == Billed(input=3 + 7, output=5)
    assert invoke(model)(question).tool_calls == []


def test_tools_are_called_in_parallel_and_in_rounds(model: BaseChatModel) -> None:
    ask, ids = invoke(model.bind_tools([add])), set()
    calls = '[[tool=add {"a": 1, "b": 2}]] [[tool=add {"a": 3, "b": 4}]]'
    talk: list[BaseMessage] = [HumanMessage(f"{calls} [[rounds=2]] add")]
    for _ in range(2):
        message = ask(talk)
        assert [call["args"]["a"] for call in message.tool_calls] == [1, 3]
        talk.append(message)
        for call in message.tool_calls:
            ids.add(call["id"])
            talk.append(ToolMessage(str(add.invoke(call["args"])), tool_call_id=call["id"]))
    assert ask(talk).text.startswith("The tools said: 3 7 3 7 You asked: add")
    assert len(ids) == 4


def test_brackets_that_are_no_directives_are_words(ask: Ask) -> None:
    assert "[[wiki link]]" in ask("see [[wiki link]]").text


@pytest.mark.parametrize(
    "wrong",
    [
        "[[fault=typo]]",
        "[[words=many]]",
        "[[words=3 wrods=4]]",
        "[[tool=add {]]",
        "[[fault=429 retry_after=soon]]",
    ],
)
def test_a_directive_that_makes_no_sense_is_refused(wire: WireServer, ask: Ask, wrong: str) -> None:
    refused: Any = (openai.BadRequestError, anthropic.BadRequestError)
    with pytest.raises(refused, match="unknown|number|JSON"):
        ask(wrong)
    assert wire.meter.settled()[0].status == 400
