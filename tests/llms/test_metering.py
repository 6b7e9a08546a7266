"""The door to a model, over real HTTP: what the ledger says is what the meter says."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import clock
from core.models import new_id
from core.money import dollars
from llms.errors import ProviderError
from llms.messages import ChatMessage
from llms.metering import CallRequest
from llms.models import ModelCall
from llms.offering import described_tools
from llms.profiles import ProfileSpec
from tests.llms.conftest import RATES, answered, demo_spec, question, wire_spec
from tests.llms.recorder import Recorder
from tests.wire import Record, WireServer

CATEGORIES = ("input", "cache_read", "cache_write", "output", "reasoning")


def ledger_usage(recorder: Recorder) -> dict[str, Any]:
    return {name: getattr(recorder.call, f"{name}_tokens") for name in CATEGORIES}


def billed(record: Record) -> dict[str, Any]:
    return {name: getattr(record.usage, name) for name in CATEGORIES}


def of_call(wire: WireServer, recorder: Recorder) -> Any:
    wire.meter.settled()
    (record,) = wire.meter.of_call(str(recorder.call.id))
    return record


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_the_ledger_holds_what_the_meter_billed(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, streamed: bool
) -> None:
    text = "[[words=12]] [[cached=100]] [[cache_write=50]] [[reasoning=40]] Hello there"
    parameters = {} if streamed else {"disable_streaming": True}
    answer = answered(question(spec, text, parameters=parameters), recorder)
    record = of_call(wire, recorder)
    assert ledger_usage(recorder) == billed(record)
    assert recorder.call.total_tokens == sum(billed(record).values())
    assert record.stream is streamed
    assert recorder.call.streamed is streamed
    assert recorder.call.exactness == "metered"
    assert recorder.call.upper_bound_tokens is None
    assert len(answer.text.split()) == 12
    assert recorder.text() == answer.text


def test_what_no_call_can_have_used_is_not_believed(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    """Else the totals of all who share a workflow with it could take nothing more."""
    answer = answered(question(spec, f"[[words=12]] [[cached={2**62}]] Hello there"), recorder)
    assert len(answer.text.split()) == 12
    assert (recorder.call.status, recorder.call.exactness) == ("succeeded", "estimated")
    assert recorder.call.total_tokens < 1000


def test_the_cost_is_the_price_of_each_category(openai: ProfileSpec, recorder: Recorder) -> None:
    answered(question(openai, "[[words=10]] [[cached=1000]] [[reasoning=5]] Hi"), recorder)
    call = recorder.call
    expected = (
        call.input_tokens * Decimal("0.000001")
        + call.cache_read_tokens * Decimal("0.0000001")
        + (call.output_tokens + call.reasoning_tokens) * Decimal("0.000002")
    )
    assert dollars(call.cost_nano_usd) == expected
    assert call.price_id == openai.prices[0].id


def test_a_settled_row_tells_how_it_went(spec: ProfileSpec, recorder: Recorder) -> None:
    request = question(spec, "[[words=5]] [[first_ms=30]] Hi", user_id=None, node="n1", visit=2)
    answer = answered(request, recorder)
    call = recorder.call
    assert (call.origin, call.node, call.visit, call.attempt) == (request.origin, "n1", 2, 1)
    assert (call.provider, call.provider_kind) == (spec.provider, spec.provider_kind)
    assert call.served_model == spec.model
    assert call.status == "succeeded"
    assert call.finish_reason in ("stop", "end_turn")
    assert call.latency_ms >= call.first_token_ms >= 25
    assert call.answer == {"text": answer.text, "reasoning": "", "tool_calls": []}
    assert len(call.request_hash) == 64
    assert call.request_id == "r-1"


def test_the_row_of_an_openai_call_names_the_providers_request(
    wire: WireServer, openai: ProfileSpec, recorder: Recorder
) -> None:
    answered(question(openai, "Hi"), recorder)
    assert recorder.call.provider_request_id == of_call(wire, recorder).id


def test_thoughts_are_streamed_and_kept_apart(anthropic: ProfileSpec, recorder: Recorder) -> None:
    answer = answered(question(anthropic, "[[words=3]] [[reasoning=7]] Hi"), recorder)
    assert len(answer.reasoning.split()) == 7
    assert recorder.text("reasoning") == answer.reasoning
    assert recorder.text() == answer.text
    assert recorder.call.reasoning_tokens == 7


def test_a_tool_call_comes_back_whole(spec: ProfileSpec, recorder: Recorder) -> None:
    tool = {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    text = '[[tool=weather {"city": "Paris"}]] How is it there?'
    answer = answered(question(spec, text, tools=[tool]), recorder)
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Paris"})
    assert call["id"]
    assert recorder.call.answer["tool_calls"] == [call]
    again = [
        ChatMessage("user", text),
        ChatMessage("assistant", "", tool_calls=(call,)),
        ChatMessage("tool", "sunny", tool_call_id=call["id"]),
    ]
    later = answered(question(spec, text, tools=[tool], messages=again), Recorder())
    assert later.text


TOOL = {"name": "weather", "description": "Tells the weather.", "parameters": {"type": "object"}}


def test_a_provider_is_told_that_no_tool_may_be_called(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    call = {"id": "c0", "name": "weather", "args": {}}
    dialogue = [
        ChatMessage("user", "How is it there?"),
        ChatMessage("assistant", "", tool_calls=(call,)),
        ChatMessage("tool", "sunny", tool_call_id="c0"),
    ]
    free, last = (
        question(spec, "", messages=dialogue, tools=[TOOL], may_call_tools=may)
        for may in (True, False)
    )
    assert answered(last, recorder).text
    record = of_call(wire, recorder)
    none = "none" if spec.provider_kind == "openai" else {"type": "none"}
    assert (record.tools, record.options["tool_choice"]) == (("weather",), none)
    assert recorder.call.parameters["tool_choice"] == "none"
    other = Recorder()
    answered(free, other)
    assert "tool_choice" not in of_call(wire, other).options
    assert "tool_choice" not in other.call.parameters
    assert other.call.request_hash != recorder.call.request_hash


def test_a_provider_that_cannot_be_told_so_is_sent_no_tools(recorder: Recorder) -> None:
    text = "use the tool weather {}"
    asked = answered(question(demo_spec(), text, tools=[TOOL]), recorder)
    assert [call["name"] for call in asked.tool_calls] == ["weather"]
    again = Recorder()
    told = answered(question(demo_spec(), text, tools=[TOOL], may_call_tools=False), again)
    assert (told.tool_calls, bool(told.text)) == ((), True)
    assert again.call.request_hash != recorder.call.request_hash


def test_where_a_dialogue_with_calls_needs_its_tools_they_are_described(wire: WireServer) -> None:
    bedrock = wire_spec(wire, "bedrock_converse")
    assert described_tools(question(bedrock, "", tools=[TOOL], may_call_tools=False)) == [TOOL]


def test_an_empty_answer_does_not_poison_the_next_turn(
    spec: ProfileSpec, recorder: Recorder
) -> None:
    empty = answered(question(spec, "[[fault=empty]] Hi"), recorder)
    assert empty.text == ""
    history = [
        ChatMessage("user", "Hi"),
        ChatMessage("assistant", empty.text),
        ChatMessage("user", "Still there?"),
    ]
    later = Recorder()
    assert answered(question(spec, "", messages=history), later).text
    # For Anthropic, LangChain makes one message of two by the user; an empty one would part them.
    messages = 2 if spec.provider_kind == "openai" else 1
    assert later.call.input_tokens == 3 + 3 * messages


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("fault", ["no_usage", "null_usage"])
def test_usage_that_was_never_told_is_estimated(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, fault: str, streamed: bool
) -> None:
    """LangChain makes zeros of nulls, and a call of zeros would be free."""
    asked = {"disable_streaming": not streamed}
    text = f"[[fault={fault}]] [[words=9]] Hi"
    answer = answered(question(spec, text, parameters=asked), recorder)
    call = recorder.call
    assert (call.status, call.exactness, answer.exactness) == (
        "succeeded",
        "estimated",
        "estimated",
    )
    assert call.input_tokens > 0
    assert call.output_tokens > 0
    assert (call.cache_read_tokens, call.cache_write_tokens, call.reasoning_tokens) == (None,) * 3
    assert call.total_tokens == call.input_tokens + call.output_tokens
    assert call.cost_nano_usd > 0
    assert call.upper_bound_tokens >= sum(billed(of_call(wire, recorder)).values())
    assert call.upper_bound_nano_usd >= call.cost_nano_usd


def test_no_estimate_is_more_than_the_bound_beside_it(
    wire: WireServer, openai: ProfileSpec, recorder: Recorder
) -> None:
    """Four characters a token are a guess; of code, there are more."""
    wire.script(f"[[say={'indented' * 200}]] [[fault=no_usage]]")
    answered(question(openai, "Hi", parameters={"max_tokens": 20}), recorder)
    call = recorder.call
    assert (call.exactness, call.output_tokens) == ("estimated", 400)
    assert call.upper_bound_tokens >= call.total_tokens
    assert call.upper_bound_nano_usd >= call.cost_nano_usd


def test_totals_without_details_are_metered_for_openai(
    wire: WireServer, openai: ProfileSpec, recorder: Recorder
) -> None:
    answered(question(openai, "[[fault=bare_usage]] [[words=9]] Hi"), recorder)
    assert recorder.call.exactness == "metered"
    assert recorder.call.total_tokens == sum(billed(of_call(wire, recorder)).values())


def test_an_anthropic_stream_that_leaves_out_its_input_is_not_taken_for_free(
    wire: WireServer, anthropic: ProfileSpec, recorder: Recorder
) -> None:
    answered(question(anthropic, "[[fault=bare_usage]] [[words=9]] Hi"), recorder)
    call = recorder.call
    assert call.exactness == "estimated"
    assert call.input_tokens > 0
    assert call.output_tokens == of_call(wire, recorder).usage.output


def test_a_model_without_a_price_is_unpriced_and_not_free(
    wire: WireServer, recorder: Recorder
) -> None:
    answered(question(wire_spec(wire, "openai", prices=()), "Hi"), recorder)
    assert recorder.call.exactness == "unpriced"
    assert recorder.call.cost_nano_usd is None
    assert recorder.call.total_tokens > 0


HOUR_LONG = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("ttl", "asked"), [("1h", HOUR_LONG), ("5m", {})])
def test_what_is_written_to_a_cache_for_an_hour_is_not_priced_as_for_five_minutes(
    wire: WireServer, recorder: Recorder, streamed: bool, ttl: str, asked: dict[str, Any]
) -> None:
    parameters = {**asked, "disable_streaming": not streamed}
    spec = wire_spec(wire, "anthropic", parameters=parameters)
    answered(question(spec, f"[[words=7 cache_write=50 ttl={ttl}]] Hi"), recorder)
    call = recorder.call
    assert (call.streamed, call.cache_write_tokens) == (streamed, 50)
    assert call.exactness == ("unpriced" if ttl == "1h" else "metered")


@pytest.mark.parametrize(("where", "exactness"), [("us", "unpriced"), ("global", "metered")])
def test_what_is_reckoned_in_one_country_alone_has_no_list_price(
    wire: WireServer, recorder: Recorder, where: str, exactness: str
) -> None:
    spec = wire_spec(wire, "anthropic", parameters={"inference_geo": where})
    answered(question(spec, "Hi"), recorder)
    assert recorder.call.exactness == exactness


def test_a_call_is_priced_by_the_price_in_force_when_it_began(
    wire: WireServer, recorder: Recorder
) -> None:
    now = clock.now()
    newer = replace(RATES, id=new_id(), effective_from=now - timedelta(hours=1), input=5_000_000)
    later = replace(RATES, id=new_id(), effective_from=now + timedelta(hours=1), input=7_000_000)
    answered(question(wire_spec(wire, "openai", prices=(later, RATES, newer)), "Hi"), recorder)
    assert recorder.call.price_id == newer.id


def test_a_call_that_has_succeeded_is_answered_from_its_row(
    wire: WireServer, openai: ProfileSpec, recorder: Recorder
) -> None:
    request = question(openai, "[[words=4]] [[reasoning=2]] Hi")
    first = answered(request, recorder)
    again = Recorder()
    again.known = recorder.call
    second = answered(request, again)
    assert second.replayed
    assert (second.text, second.usage, second.call_id) == (first.text, first.usage, first.call_id)
    assert again.rows == again.pieces == []
    assert len(wire.meter.settled()) == 1


def test_attempts_go_on_where_those_before_a_crash_ended(
    openai: ProfileSpec, recorder: Recorder
) -> None:
    recorder.earlier_attempts = 2
    answered(question(openai, "Hi"), recorder)
    assert recorder.call.attempt == 3


def test_what_no_database_can_hold_is_taken_out(openai: ProfileSpec, recorder: Recorder) -> None:
    answer = answered(question(openai, "[[say=a\x00b]]"), recorder)
    assert answer.text == recorder.text() == "ab"


def test_characters_torn_apart_on_the_wire_arrive_whole(
    spec: ProfileSpec, recorder: Recorder
) -> None:
    answer = answered(question(spec, "[[unicode]] [[words=20]] [[chop=3]] Hi"), recorder)
    assert not answer.text.isascii()
    assert "\ufffd" not in answer.text
    assert recorder.text() == answer.text


def test_the_demo_model_is_metered_and_costs_nothing(recorder: Recorder) -> None:
    answer = answered(question(demo_spec(), "say 7 words"), recorder)
    call = recorder.call
    assert (call.output_tokens, call.exactness, call.cost_nano_usd) == (7, "metered", 0)
    assert call.input_tokens == (3 + 3) + (3 + 3)
    assert answer.text.count(" ") == 6


def test_a_caller_cannot_choose_where_the_key_is_sent(
    wire: WireServer, openai: ProfileSpec, recorder: Recorder
) -> None:
    with pytest.raises(Exception, match="base_url"):
        answered(question(openai, "Hi", parameters={"base_url": "http://127.0.0.1:9"}), recorder)
    assert recorder.rows == []
    assert wire.meter.records == []


def test_a_model_whose_parameters_lead_elsewhere_is_not_asked(
    wire: WireServer, recorder: Recorder
) -> None:
    spec = wire_spec(wire, "azure_openai", base_url="", parameters={"azure_endpoint": wire.url})
    with pytest.raises(ProviderError, match="azure_endpoint"):
        answered(question(spec, "Hi"), recorder)
    assert recorder.rows == []
    assert wire.meter.records == []


def test_the_hash_is_of_what_is_asked_and_how(openai: ProfileSpec) -> None:
    def hashed(request: CallRequest) -> str:
        recorder = Recorder()
        answered(request, recorder)
        return recorder.call.request_hash

    plain = hashed(question(openai, "[[words=1]] Hi"))
    assert plain == hashed(question(openai, "[[words=1]] Hi", node="elsewhere"))
    assert plain != hashed(question(openai, "[[words=1]] Ho"))
    assert plain != hashed(question(openai, "[[words=1]] Hi", parameters={"temperature": 0.5}))


def test_the_rows_fit_the_table(db: None, spec: ProfileSpec) -> None:
    recorder = Recorder()
    for text in ("Hi", "[[fault=no_usage]] Hi", "[[cached=5]] [[reasoning=3]] Hi"):
        answered(question(spec, text), recorder)
    recorder.save()
    assert ModelCall.objects.count() == 3
