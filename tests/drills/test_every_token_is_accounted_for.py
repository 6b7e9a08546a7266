"""Hundreds of chats, faults, stops, departures and a `kill -9`; then the books are read.

The provider's own meter says what was asked and billed; the ledger must say the same, or that it
does not know. `CHATTER_DRILL_CHATS` and `CHATTER_DRILL_SEED` choose how many chats and which.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from asgiref.sync import async_to_sync

from tests.drills.crowd import Crowd, chats
from tests.drills.server import Chatter, chatter, wire
from workflows.totals import COUNTED

pytestmark = pytest.mark.slow

CATEGORIES = ("input", "cache_read", "cache_write", "output", "reasoning")
TERMINAL = {"completed", "failed", "cancelled"}
_ENDS = {f"execution.{status}" for status in TERMINAL}
RECOVERED_WITHIN_S = 30.0
_CHATS = int(os.environ.get("CHATTER_DRILL_CHATS", "300"))
_SEED = int(os.environ.get("CHATTER_DRILL_SEED", "2"))
_MODELS = ("openai:gpt-test", "openai:gpt-whole", "anthropic:claude-test", "anthropic:claude-whole")
_PRICE = {
    "input": 1_000_000_000,
    "cache_read": 100_000_000,
    "cache_write": 1_250_000_000,
    "output": 2_000_000_000,
}


@dataclass(frozen=True)
class Books:
    """Everything the drill left behind."""

    calls: dict[str, dict[str, Any]]
    executions: list[dict[str, Any]]
    replies: list[dict[str, Any]]
    questions: int
    logs: dict[str, list[dict[str, Any]]]
    meter: list[dict[str, Any]]
    accepted: dict[int, str]
    refused: list[str]
    killed_at: str
    started_again_at: str
    proofs: dict[str, tuple[int, str]]

    @property
    def by_call(self) -> dict[str, dict[str, Any]]:
        """The meter's records by the ledger row they name."""
        return {record["call"]: record for record in self.meter}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    home = tmp_path_factory.mktemp("drill")
    meter = home / "meter.jsonl"
    with (
        wire(meter) as url,
        chatter(
            home,
            OPENAI_API_KEY="sk-drill-0123456789",
            OPENAI_BASE_URL=url + "/v1",
            ANTHROPIC_API_KEY="sk-ant-drill-0123456789",
            ANTHROPIC_BASE_URL=url,
            CHATTER_LEASE_S="5",
            CHATTER_DRAIN_S="0.2",  # shorter than many answers: some calls are cut, not drained
        ) as server,
    ):
        prepared = server.manage("prepare")
        assert prepared.returncode == 0, prepared.stderr
        server.furnish(
            people=["alice"],
            profile_parameters={
                name: {"disable_streaming": True} if "whole" in name else {} for name in _MODELS
            },
            prices=dict.fromkeys(_MODELS, _PRICE),
        )
        server.start()
        yield _drilled(server, meter)


def _drilled(server: Chatter, meter: Path) -> Books:
    crowd = Crowd(server, server.people["alice"], chats(_CHATS, _SEED))
    moments: list[str] = []

    async def scenario() -> None:
        talking = asyncio.create_task(crowd.talk())
        await asyncio.wait(
            {talking, asyncio.create_task(crowd.half_way.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        crowd.up.clear()
        moments.append(_now())
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        moments.append(_now())
        crowd.up.set()
        await talking

    async_to_sync(scenario)()
    _until_nothing_runs(server)
    server.stop()
    proofs = {}
    for command in ("reconcile", "verify_audit"):
        done = server.manage(command)
        proofs[command] = (done.returncode, done.stdout + done.stderr)
    left = server.ask("tests.drills.dump")
    return Books(
        calls={call["id"]: call for call in left.pop("calls")},
        meter=_metered(meter),
        accepted=crowd.accepted,
        refused=crowd.refused,
        killed_at=moments[0],
        started_again_at=moments[1],
        proofs=proofs,
        **left,
    )


def test_nothing_was_refused_and_nothing_was_run_twice(books: Books) -> None:
    assert books.refused == []
    ids = {execution["id"] for execution in books.executions}
    assert set(books.accepted.values()) <= ids
    assert len(set(books.accepted.values())) == len(books.accepted)
    assert len(books.accepted) <= len(ids) <= _CHATS
    assert books.questions == len(ids)


def test_the_drill_drilled(books: Books) -> None:
    """There was something to get wrong."""
    statuses = Counter(call["status"] for call in books.calls.values())
    exactnesses = Counter(call["exactness"] for call in books.calls.values())
    assert {"succeeded", "failed", "cancelled", "lost"} <= set(statuses), statuses
    assert {"metered", "estimated", "open"} <= set(exactnesses), exactnesses
    assert {one["status"] for one in books.executions} == TERMINAL
    assert any(one["attempt"] > 1 for one in books.executions)
    ended = Counter(record["ended"] for record in books.meter)
    assert {"done", "error", "cut", "left"} <= set(ended), ended
    assert any(record["usage"] and record["usage"]["cache_read"] for record in books.meter)
    assert any(record["usage"] and record["usage"]["reasoning"] for record in books.meter)


def test_every_request_the_meter_saw_has_exactly_one_row(books: Books) -> None:
    requests = Counter(record["call"] for record in books.meter)
    assert None not in requests
    assert {call: count for call, count in requests.items() if count > 1} == {}
    assert requests.keys() - books.calls.keys() == set()


def test_a_row_that_the_meter_never_saw_does_not_claim_an_answer(books: Books) -> None:
    """It was never sent, or stopped on its way: then nobody here knows whether it arrived."""
    for call in (call for key, call in books.calls.items() if key not in books.by_call):
        ended = call["status"] in ("cancelled", "failed")
        never_left = call["exactness"] == "metered" and call["total_tokens"] == 0
        on_its_way = (
            call["exactness"] == "estimated"
            and call["first_token_ms"] is None
            and not any(call["answer"].values())
            and call["upper_bound_tokens"] >= call["total_tokens"]
        )
        known = call["status"] == "lost" or (ended and (never_left or on_its_way))
        assert known, str(call)  # whole: pytest cuts what is no text


def test_what_is_metered_is_what_the_meter_says(books: Books) -> None:
    told: Counter[str] = Counter()
    billed: Counter[str] = Counter()
    for key, call in books.calls.items():
        if call["exactness"] != "metered" or key not in books.by_call:
            continue
        usage = books.by_call[key]["usage"] or dict.fromkeys(CATEGORIES, 0)
        mine = {name: call[f"{name}_tokens"] or 0 for name in CATEGORIES}
        assert mine == usage, f"{call}\n{books.by_call[key]}"
        assert call["total_tokens"] == sum(usage.values())
        told.update(mine)
        billed.update(usage)
    assert told == billed
    assert sum(told.values()) > 0


def test_a_cost_is_its_tokens_at_their_price(books: Books) -> None:
    for call in books.calls.values():
        if call["exactness"] == "metered" and call["status"] == "succeeded":
            rates = {**_PRICE, "reasoning": _PRICE["output"]}
            exact = sum((call[f"{name}_tokens"] or 0) * rates[name] for name in CATEGORIES)
            assert call["cost_nano_usd"] == exact // 1_000_000, call


def test_nothing_unknown_is_zero(books: Books) -> None:
    for key, call in books.calls.items():
        numbers = [call[f"{name}_tokens"] for name in CATEGORIES]
        if call["exactness"] == "estimated":
            assert call["input_tokens"] > 0, call
            assert call["output_tokens"] > 0, call
            assert call["cost_nano_usd"] > 0, call
            assert 0 not in (call["cache_read_tokens"], call["cache_write_tokens"]), call
        elif call["exactness"] == "open":
            assert numbers == [None] * 5, call
            assert call["total_tokens"] is call["cost_nano_usd"] is None, call
            assert call["upper_bound_tokens"] > 0, call
        else:
            assert call["exactness"] == "metered", call
        record = books.by_call.get(key)
        if record and record["usage"] and call["exactness"] == "metered":
            assert call["total_tokens"] > 0, (call, record)


def test_an_upper_bound_is_one(books: Books) -> None:
    for key, record in books.by_call.items():
        bound = books.calls[key]["upper_bound_tokens"]
        if record["usage"] and bound is not None:
            hidden = record["usage"]["cache_read"] + record["usage"]["cache_write"]
            assert sum(record["usage"].values()) - hidden <= bound


def test_only_what_was_in_flight_when_it_was_killed_is_lost(books: Books) -> None:
    assert [call for call in books.calls.values() if call["status"] == "open"] == []
    resumed = {f"execution:{one['id']}" for one in books.executions if one["attempt"] > 1}
    for call in books.calls.values():
        if call["status"] == "lost" or call["exactness"] == "open":
            assert (call["status"], call["exactness"]) == ("lost", "open")
            assert call["started_at"][:23] <= books.killed_at[:23] or _close(call, books)
            assert call["origin"] in resumed


def test_no_finished_call_was_paid_twice(books: Books) -> None:
    finished = Counter(
        (call["origin"], call["node"], call["visit"], call["call_index"])
        for call in books.calls.values()
        if call["status"] == "succeeded"
    )
    assert {key: count for key, count in finished.items() if count > 1} == {}
    for call in books.calls.values():
        later = [
            other
            for other in books.calls.values()
            if other["origin"] == call["origin"]
            and other["node"] == call["node"]
            and other["visit"] == call["visit"]
            and other["call_index"] == call["call_index"]
            and other["attempt"] > call["attempt"]
        ]
        assert call["status"] != "succeeded" or later == []


def test_every_log_is_gapless_and_ends_once(books: Books) -> None:
    assert set(books.logs) == {execution["id"] for execution in books.executions}
    for execution in books.executions:
        log = books.logs[execution["id"]]
        assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
        ends = [event["type"] for event in log if event["type"] in _ENDS]
        assert ends == [f"execution.{execution['status']}"]
        assert log[-1]["type"] == ends[0]


def test_every_execution_has_its_reply_with_its_totals(books: Books) -> None:
    replies = {reply["execution_id"]: reply for reply in books.replies}
    assert len(replies) == len(books.replies) == len(books.executions)
    status = {"completed": "complete"}
    for execution in books.executions:
        reply = replies[execution["id"]]
        assert reply["status"] == status.get(execution["status"], execution["status"])
        assert {name: reply[name] for name in COUNTED} == {
            name: execution[name] for name in COUNTED
        }


def test_turns_of_a_conversation_did_not_overlap(books: Books) -> None:
    series: dict[str, list[dict[str, Any]]] = {}
    for execution in books.executions:
        if execution["started_at"]:
            series.setdefault(execution["serial_key"], []).append(execution)
    assert max(len(one) for one in series.values()) > 3
    for runs in series.values():
        runs.sort(key=lambda run: run["serial_number"])
        for before, after in zip(runs, runs[1:], strict=False):
            assert before["finished_at"] <= after["started_at"]


def test_after_the_kill_everything_was_taken_up_in_time(books: Books) -> None:
    restarted = datetime.fromisoformat(books.started_again_at)
    for log in books.logs.values():
        for event in log:
            if event["type"] == "execution.resumed":
                waited = datetime.fromisoformat(event["at"]) - restarted
                assert waited.total_seconds() <= RECOVERED_WITHIN_S


@pytest.mark.parametrize("command", ["reconcile", "verify_audit"])
def test_the_proofs_hold(books: Books, command: str) -> None:
    code, said = books.proofs[command]
    assert code == 0, said


# --- how -----------------------------------------------------------------------------------------


def _until_nothing_runs(server: Chatter) -> None:
    deadline = time.monotonic() + RECOVERED_WITHIN_S + 30
    with httpx2.Client(base_url=server.url, headers=server.people["alice"].headers) as client:
        while any(
            client.get(f"/api/v1/executions/?status={status}").json()["results"]
            for status in ("running", "pending", "waiting")
        ):
            assert time.monotonic() < deadline, "Something never ends."
            time.sleep(0.25)


def _metered(path: Path) -> list[dict[str, Any]]:
    """The last state of every record, once all are finished."""
    for _ in range(100):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        records = {record["id"]: record for record in lines}
        if all(record["state"] == "finished" for record in records.values()):
            return list(records.values())
        time.sleep(0.1)
    raise AssertionError("The meter never settled.")


def _close(call: dict[str, Any], books: Books) -> bool:
    """The kill comes a moment after it was noted."""
    after = datetime.fromisoformat(call["started_at"]) - datetime.fromisoformat(books.killed_at)
    return after.total_seconds() < 1


def _now() -> str:
    return datetime.now(UTC).isoformat()
