"""A call that goes wrong, over real HTTP: what users read, what is tried again, what is booked."""

import time
import tracemalloc
from dataclasses import replace
from unittest import mock

import pytest

from llms.errors import ProviderError
from llms.profiles import ProfileSpec
from tests.core.web import web_server
from tests.llms.conftest import answered, demo_spec, question, wire_spec
from tests.llms.recorder import Recorder
from tests.wire import WireServer

CATEGORIES = ("input", "cache_read", "cache_write", "output", "reasoning")
CALLED = {"name": "calculator"}
CALCULATOR = {
    **CALLED,
    "description": "Reckons.",
    "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}},
}


def failure(spec: ProfileSpec, text: str, recorder: Recorder, **fields: object) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        answered(question(spec, text, **{"max_attempts": 1, **fields}), recorder)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("400", "provider_refused"),
        ("401", "provider_auth_failed"),
        ("403", "provider_auth_failed"),
        ("404", "provider_refused"),
        ("413", "context_too_long"),
        ("429", "provider_rate_limited"),
        ("500", "provider_failed"),
        ("503", "provider_failed"),
        ("529", "provider_failed"),
        ("quota", "provider_quota_exhausted"),
        ("context", "context_too_long"),
    ],
)
def test_an_error_answer_is_named_and_known_to_have_cost_nothing(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, fault: str, code: str
) -> None:
    error = failure(spec, f"[[fault={fault}]] Hi", recorder)
    call = recorder.call
    (record,) = wire.meter.settled()
    assert error.code == call.error_code == code
    assert str(error) == call.error_message
    assert record.usage is None
    assert (call.status, call.exactness, call.cost_nano_usd) == ("failed", "metered", 0)
    assert [getattr(call, f"{name}_tokens") for name in CATEGORIES] == [0] * 5
    assert call.total_tokens == 0
    assert call.provider_request_id == record.id


@pytest.mark.parametrize("fault", ["408", "502", "504"])
def test_when_a_gateway_gave_up_waiting_nobody_knows_the_cost(
    spec: ProfileSpec, recorder: Recorder, fault: str
) -> None:
    failure(spec, f"[[fault={fault}]] Hi", recorder)
    call = recorder.call
    assert call.exactness == "estimated"
    assert call.input_tokens > 0
    assert call.output_tokens > 0
    assert call.upper_bound_tokens > call.total_tokens


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cut after=5", "provider_cut"),
        ("stream_error after=5", "provider_failed"),
        ("malformed after=5", "provider_failed"),
        ("cut", "provider_unreachable"),
    ],
)
def test_a_stream_that_breaks_is_estimated_from_what_came(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, fault: str, code: str
) -> None:
    error = failure(spec, f"[[words=20]] [[fault={fault}]] Hi", recorder)
    call = recorder.call
    (record,) = wire.meter.settled()
    assert error.code == code
    assert error.retryable
    assert (call.status, call.exactness) == ("failed", "estimated")
    assert call.input_tokens > 0
    assert call.output_tokens > 0
    assert call.cache_read_tokens is None
    assert call.answer["text"] == recorder.text()
    if record.usage:
        spent = sum(getattr(record.usage, name) for name in CATEGORIES)
        assert call.upper_bound_tokens >= spent


def test_a_whole_answer_that_breaks_is_not_taken_for_free(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    parameters = {"disable_streaming": True}
    failure(spec, "[[words=9]] [[fault=cut after=3]] Hi", recorder, parameters=parameters)
    (record,) = wire.meter.settled()
    assert record.usage is not None
    assert recorder.call.exactness == "estimated"
    assert recorder.call.output_tokens > 0


@pytest.mark.parametrize("fault", ["hang", "hang after=3", "slow"])
def test_silence_ends_in_time_and_is_estimated(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, fault: str
) -> None:
    started = time.monotonic()
    error = failure(spec, f"[[words=9]] [[fault={fault}]] Hi", recorder, timeout_s=0.4)
    assert time.monotonic() - started < 3
    assert error.code == "provider_timeout"
    assert recorder.call.exactness == "estimated"
    assert recorder.call.total_tokens > 0
    assert wire.meter.settled()[0].client_left


def test_a_stream_may_be_long_but_not_silent_for_long(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    text = "[[words=10]] [[delay_ms=150]] Hi"
    answered(question(spec, text, timeout_s=20.0, idle_timeout_s=1.2), Recorder())
    error = failure(spec, f"{text} [[fault=hang after=2]]", recorder, idle_timeout_s=1.2)
    assert error.code == "provider_timeout"
    assert recorder.text().strip()


def test_a_timeout_is_not_tried_again_for_it_is_billed(
    wire: WireServer, openai: ProfileSpec, recorder: Recorder
) -> None:
    failure(openai, "[[fault=hang]] Hi", recorder, timeout_s=0.3, max_attempts=3)
    assert len(wire.meter.settled()) == len(recorder.calls) == 1


def test_passing_trouble_is_tried_again_and_every_attempt_is_a_row(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    text = "[[words=6]] [[fault=cut after=2 times=1]] [[fault=500 times=2]] Hi"
    answer = answered(question(spec, text), recorder)
    assert [call.status for call in recorder.calls] == ["failed", "failed", "succeeded"]
    assert [call.attempt for call in recorder.calls] == [1, 2, 3]
    assert [call.exactness for call in recorder.calls] == ["estimated", "metered", "metered"]
    assert recorder.retries_in_s == [0.25, 0.5, None]
    assert recorder.text(attempt=3) == answer.text
    records = wire.meter.settled()
    assert [record.call for record in records] == [str(call.id) for call in recorder.calls]


def test_the_last_attempt_says_what_is_wrong(spec: ProfileSpec, recorder: Recorder) -> None:
    error = failure(spec, "[[fault=500]] Hi", recorder, max_attempts=2)
    assert error.code == "provider_failed"
    assert len(recorder.calls) == 2
    assert recorder.retries_in_s == [0.25, None]


@pytest.mark.parametrize("fault", ["400", "401", "404", "quota", "context"])
def test_what_will_not_mend_is_not_tried_again(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, fault: str
) -> None:
    error = failure(spec, f"[[fault={fault}]] Hi", recorder, max_attempts=3)
    assert not error.retryable
    assert len(wire.meter.settled()) == 1


def test_the_provider_says_when_to_come_back(spec: ProfileSpec, recorder: Recorder) -> None:
    text = "[[fault=429 retry_after=0.7 times=1]] Hi"
    started = time.monotonic()
    answered(question(spec, text), recorder)
    assert time.monotonic() - started >= 0.7
    assert recorder.retries_in_s == [0.7, None]


def test_nobody_waits_an_hour_for_a_provider(spec: ProfileSpec, recorder: Recorder) -> None:
    error = failure(spec, "[[fault=429 retry_after=3600]] Hi", recorder, max_attempts=3)
    assert error.retry_after_s == 3600
    assert len(recorder.calls) == 1


def test_a_provider_that_is_not_there_bills_nothing(wire: WireServer, recorder: Recorder) -> None:
    spec = wire_spec(wire, "openai", base_url="http://127.0.0.1:9/v1")
    error = failure(spec, "Hi", recorder)
    assert error.code == "provider_unreachable"
    assert recorder.call.exactness == "metered"
    assert recorder.call.total_tokens == recorder.call.cost_nano_usd == 0


def test_an_answer_that_is_withheld_fails_with_its_tokens_booked(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    error = failure(spec, "[[words=9]] [[fault=content_filter]] Hi", recorder)
    (record,) = wire.meter.settled()
    assert error.code == "content_filtered"
    assert recorder.call.exactness == "metered"
    assert recorder.call.total_tokens == sum(getattr(record.usage, name) for name in CATEGORIES)


@pytest.mark.parametrize("whole", [False, True], ids=["streamed", "whole"])
def test_tools_that_an_answer_was_cut_in_are_not_called_and_are_booked(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, whole: bool
) -> None:
    asked = {"max_tokens": 6, "disable_streaming": whole}
    text = '[[tool=calculator {"expression": "1000 + 20 + 3"}]] Hi'
    error = failure(spec, text, recorder, parameters=asked, tools=[CALCULATOR], max_attempts=3)
    assert (error.code, error.retryable) == ("tool_call_cut", False)
    (record,) = wire.meter.settled()
    assert recorder.call.exactness == "metered"
    assert recorder.call.output_tokens == record.usage.output == 6
    assert recorder.call.answer["tool_calls"] in ([], [{**CALLED, "id": mock.ANY, "args": {}}])


@pytest.mark.parametrize("whole", [False, True], ids=["streamed", "whole"])
def test_a_call_of_a_tool_that_cannot_be_read_is_tried_again(
    openai: ProfileSpec, recorder: Recorder, whole: bool
) -> None:
    text = '[[tool=calculator {"expression": "1"}]] [[fault=garbled_call times=1]] Hi'
    asked = {"disable_streaming": whole}
    answer = answered(question(openai, text, parameters=asked, tools=[CALCULATOR]), recorder)
    assert answer.tool_calls == ({**CALLED, "id": mock.ANY, "args": {"expression": "1"}},)
    first, second = recorder.calls
    assert (first.error_code, second.status) == ("tool_call_unreadable", "succeeded")
    assert first.total_tokens > 0


def test_who_may_call_no_tools_is_answered_by_the_words_beside_them(
    openai: ProfileSpec, recorder: Recorder
) -> None:
    text = '[[tool=calculator {"expression": "1"}]] [[fault=garbled_call]] Hi'
    answer = answered(question(openai, text, tools=[CALCULATOR], may_call_tools=False), recorder)
    assert (answer.text, answer.tool_calls) == ("", ())


def test_a_package_that_is_missing_is_named(wire: WireServer, recorder: Recorder) -> None:
    error = failure(wire_spec(wire, "ollama"), "Hi", recorder)
    assert error.code == "model_package_missing"
    assert "pip install langchain-ollama" in str(error)
    assert recorder.rows == []


def test_no_message_shows_a_key(wire: WireServer, recorder: Recorder) -> None:
    spec = wire_spec(wire, "openai", model="sk-proj-abcdefgh1234")
    wire.script("fault=400")
    error = failure(spec, "Hi", recorder)
    assert spec.api_key not in str(error)
    assert spec.api_key not in repr(spec)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("please fail", "provider_refused"),
        ("please be busy", "provider_rate_limited"),
        ("please break, say 10 words", "provider_cut"),
        ("please hang", "provider_timeout"),
    ],
)
def test_the_demo_model_fails_as_real_ones_do(recorder: Recorder, text: str, code: str) -> None:
    error = failure(demo_spec(), text, recorder, timeout_s=0.3)
    assert error.code == code
    assert recorder.call.status == "failed"


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("sent", ["200/line", "400/line", "400/packed"])
def test_a_provider_that_sends_without_end_is_cut_off(
    recorder: Recorder, kind: str, sent: str
) -> None:
    with web_server() as web:
        spec = replace(
            demo_spec(), provider_kind=kind, parameters={}, base_url=web.url(f"/model/{sent}")
        )
        tracemalloc.start()
        try:
            error = failure(spec, "Hi", recorder)
            assert tracemalloc.get_traced_memory()[1] < 150 * 2**20
        finally:
            tracemalloc.stop()
    assert error.code in ("provider_failed", "provider_refused", "provider_cut")


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_what_is_asked_of_a_provider_is_sent_nowhere_else_that_it_points_to(
    wire: WireServer, recorder: Recorder, kind: str
) -> None:
    with web_server() as web:
        there = wire_spec(wire, kind)
        error = failure(replace(there, base_url=web.url(f"/keep/{there.base_url}")), "Hi", recorder)
    assert error.code == "provider_refused"
    assert (recorder.call.exactness, recorder.call.cost_nano_usd) == ("metered", 0)
    assert not wire.meter.settled()


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_where_an_error_points_to_does_not_matter(
    wire: WireServer, recorder: Recorder, kind: str
) -> None:
    with web_server() as web:
        there = replace(wire_spec(wire, kind), base_url=web.url("/no/"))
        assert failure(there, "Hi", recorder).code == "provider_refused"


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_provider_may_point_to_another_place_of_its_own(
    wire: WireServer, recorder: Recorder, kind: str
) -> None:
    with web_server() as web:
        failure(replace(wire_spec(wire, kind), base_url=web.url("/keep//json")), "Hi", recorder)
        asked = [path for _, path, _, _ in web.seen]
    assert asked == [f"/keep/{asked[-1]}", asked[-1]]
    assert asked[-1].startswith("/json")
