"""Over random faults and cancels the ledger and the provider's own meter agree."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest

from llms.errors import ProviderError
from llms.ledger import CallRecord
from llms.metering import ask
from tests.llms.conftest import in_loop, no_wait, question, wire_spec
from tests.llms.recorder import Recorder
from tests.wire import Record, WireServer

CATEGORIES = ("input", "cache_read", "cache_write", "output", "reasoning")
CALLS = 120
FAULTS = [
    "",
    "[[cached=40]]",
    "[[cached=40]] [[cache_write=9]]",
    "[[reasoning=15]]",
    "[[delay_ms=5]]",
    "[[fault=429 retry_after=0 times=1]]",
    "[[fault=500 times=2]]",
    "[[fault=503]]",
    "[[fault=400]]",
    "[[fault=504]]",
    "[[fault=cut after=4]]",
    "[[fault=cut times=1]]",
    "[[fault=hang after=3]]",
    "[[fault=stream_error after=2]]",
    "[[fault=malformed after=2 times=1]]",
    "[[fault=no_usage]]",
    "[[fault=content_filter]]",
    "[[fault=empty]]",
]


@pytest.fixture(scope="module")
def wire() -> Any:
    with WireServer() as running:
        yield running


def random_histories(wire: WireServer, chance: random.Random) -> list[Recorder]:
    """Many calls at once, some of them cancelled at some moment."""
    recorders = [Recorder() for _ in range(CALLS)]
    specs = [wire_spec(wire, kind) for kind in ("openai", "anthropic")]

    async def one(number: int) -> None:
        parameters = {"disable_streaming": True} if chance.random() < 0.25 else {}
        request = question(
            chance.choice(specs),
            f"[[words={chance.randint(1, 30)}]] {chance.choice(FAULTS)} question {number}",
            parameters=parameters,
            timeout_s=1.5,
            drain_s=chance.choice([0.0, 0.05, 0.5]),
        )
        task = asyncio.create_task(ask(request, recorders[number], jitter=no_wait))
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.4)
            task.cancel()
        with suppress(ProviderError, asyncio.CancelledError):
            await task

    async def scenario() -> None:
        for spec in specs:  # their packages load slowly, and cancels shall hit calls
            await ask(question(spec, "warm"), Recorder())
        wire.clear()
        await asyncio.gather(*(one(number) for number in range(CALLS)))

    in_loop(scenario)
    return recorders


@pytest.mark.parametrize("seed", [1, 2])
def test_every_request_has_one_row_and_the_sums_agree(wire: WireServer, seed: int) -> None:
    recorders = random_histories(wire, random.Random(seed))
    calls = [call for recorder in recorders for call in recorder.calls]
    assert sum(len(recorder.rows) for recorder in recorders) == len(calls), "a row is left open"
    by_call: dict[str | None, list[Record]] = {}
    for record in wire.meter.settled():
        by_call.setdefault(record.call, []).append(record)
    assert by_call.keys() <= {str(call.id) for call in calls}
    assert all(len(records) == 1 for records in by_call.values())
    for call in calls:
        agree(call, by_call.get(str(call.id), [None])[0])
    assert {call.exactness for call in calls} == {"metered", "estimated"}
    assert {call.status for call in calls} == {"succeeded", "failed", "cancelled"}


def agree(call: CallRecord, record: Record | None) -> None:
    """A metered row says what the meter says; any other says so, and is nowhere zero."""
    spent = [getattr(record.usage, name) if record and record.usage else 0 for name in CATEGORIES]
    booked = [getattr(call, f"{name}_tokens") for name in CATEGORIES]
    if call.exactness == "metered":
        assert booked == spent
        assert call.upper_bound_tokens is None
        return
    # A request may still have been on its way when it was given up.
    given_up = call.status == "cancelled" or call.error_code == "provider_timeout"
    assert record is not None or given_up
    assert 0 not in booked
    assert call.total_tokens == sum(tokens or 0 for tokens in booked)
    assert call.upper_bound_tokens is not None
    assert sum(spent) <= call.upper_bound_tokens
    assert call.cost_nano_usd
