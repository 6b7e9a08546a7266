"""Stop means stop, whenever it comes, and the tokens are in the ledger."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from llms.metering import CallRequest, ask
from llms.profiles import ProfileSpec
from tests.llms.conftest import demo_spec, in_loop, no_wait, question, until
from tests.llms.recorder import Recorder
from tests.wire import WireServer

CATEGORIES = ("input", "cache_read", "cache_write", "output", "reasoning")


def cancelled(
    request: CallRequest,
    recorder: Recorder,
    when: Callable[[], bool],
    after_s: float = 0.0,
    times: int = 1,
) -> float:
    """Ask, cancel once `when` holds, and give the seconds it took to end after that."""

    async def scenario() -> float:
        task = asyncio.create_task(ask(request, recorder, jitter=no_wait))
        await until(when)
        await asyncio.sleep(after_s)
        started = time.monotonic()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.02)
        with pytest.raises(asyncio.CancelledError):
            await task
        ended = time.monotonic()
        await asyncio.sleep(0.05)
        assert [one for one in asyncio.all_tasks() if one is not asyncio.current_task()] == []
        return ended - started

    result: float = in_loop(scenario)
    return result


def in_the_middle(recorder: Recorder) -> Callable[[], bool]:
    return lambda: len(recorder.pieces) >= 3


def test_a_cancelled_stream_is_drained_for_its_usage(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    request = question(spec, "[[words=20]] [[delay_ms=20]] [[cached=9]] Hi")
    cancelled(request, recorder, in_the_middle(recorder))
    call = recorder.call
    (record,) = wire.meter.settled()
    assert (call.status, call.exactness, record.ended) == ("cancelled", "metered", "done")
    for name in CATEGORIES:
        assert getattr(call, f"{name}_tokens") == getattr(record.usage, name)
    assert len(recorder.text().split()) < 20, "nothing is streamed after the stop"


def test_a_stream_too_long_to_drain_is_closed_and_estimated(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    request = question(spec, "[[words=500]] [[delay_ms=20]] Hi", drain_s=0.3)
    took_s = cancelled(request, recorder, in_the_middle(recorder))
    call = recorder.call
    (record,) = wire.meter.settled()
    assert took_s < 1.5
    assert record.client_left
    assert (call.status, call.exactness) == ("cancelled", "estimated")
    assert call.input_tokens > 0
    assert call.output_tokens > 0
    assert call.cache_read_tokens is None
    spent = sum(getattr(record.usage, name) for name in CATEGORIES)
    assert call.upper_bound_tokens >= spent
    assert call.cost_nano_usd > 0


@pytest.mark.parametrize("fault", ["hang", "hang after=2"])
def test_a_provider_that_hangs_does_not_hold_up_the_stop(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder, fault: str
) -> None:
    request = question(spec, f"[[fault={fault}]] [[words=9]] Hi", drain_s=0.3)
    took_s = cancelled(request, recorder, lambda: bool(wire.meter.records), after_s=0.1)
    assert took_s < 1.5
    assert recorder.call.exactness == "estimated"
    assert recorder.call.output_tokens > 0
    assert wire.meter.settled()[0].client_left


def test_who_cancels_twice_does_not_lose_the_usage(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    request = question(spec, "[[words=20]] [[delay_ms=20]] Hi")
    cancelled(request, recorder, in_the_middle(recorder), times=5)
    assert recorder.call.exactness == "metered"
    assert wire.meter.settled()[0].ended == "done"


def test_a_call_cancelled_while_its_row_is_written_is_never_sent(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    recorder.opening = never
    cancelled(question(spec, "Hi"), recorder, lambda: recorder.opened_count == 1)
    call = recorder.call
    assert wire.meter.records == []
    assert (call.status, call.exactness) == ("cancelled", "metered")
    assert call.total_tokens == call.cost_nano_usd == 0


def test_a_call_cancelled_the_moment_it_is_to_be_sent_is_never_sent(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    """The stop arrives after the row is committed and before the stream has begun."""

    async def scenario() -> None:
        async def stop_soon() -> None:
            asyncio.get_running_loop().call_soon(task.cancel)

        recorder.opening = stop_soon
        task = asyncio.create_task(ask(question(spec, "Hi"), recorder))
        with pytest.raises(asyncio.CancelledError):
            await task

    in_loop(scenario)
    assert wire.meter.records == []
    assert (recorder.call.status, recorder.call.total_tokens) == ("cancelled", 0)


def test_a_call_cancelled_between_attempts_keeps_its_failed_row(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    request = question(spec, "[[fault=429 retry_after=5]] Hi")
    took_s = cancelled(request, recorder, lambda: len(recorder.calls) == 1)
    assert took_s < 1
    assert (recorder.call.status, recorder.call.error_code) == ("failed", "provider_rate_limited")


def test_no_provider_is_called_when_the_row_cannot_be_written(
    wire: WireServer, spec: ProfileSpec, recorder: Recorder
) -> None:
    async def refuse() -> None:
        raise RuntimeError("the database is gone")

    recorder.opening = refuse

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="the database is gone"):
            await ask(question(spec, "Hi"), recorder)

    in_loop(scenario)
    assert wire.meter.records == []
    assert recorder.calls == []


def test_the_demo_model_can_be_stopped(recorder: Recorder) -> None:
    request = question(demo_spec(delay_ms_per_word=20), "say 500 words", drain_s=0.2)
    took_s = cancelled(request, recorder, in_the_middle(recorder))
    assert took_s < 1.5
    assert (recorder.call.status, recorder.call.exactness) == ("cancelled", "estimated")


def test_many_cancels_leave_no_connection_open(wire: WireServer, openai: ProfileSpec) -> None:
    recorders: list[Any] = [Recorder() for _ in range(20)]

    async def scenario() -> None:
        requests = [
            question(openai, f"[[words=200]] [[delay_ms=10]] {n}", drain_s=0.05) for n in range(20)
        ]
        tasks = [
            asyncio.create_task(ask(request, recorder))
            for request, recorder in zip(requests, recorders, strict=True)
        ]
        await until(lambda: all(recorder.pieces for recorder in recorders))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    in_loop(scenario)
    records = wire.meter.settled()
    assert all(record.client_left for record in records)
    assert {record.call for record in records} == {str(one.call.id) for one in recorders}
    assert {one.call.status for one in recorders} == {"cancelled"}
