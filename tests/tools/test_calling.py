"""The one door: every call is a row, however it ends, and nothing is raised at the caller."""

import asyncio
from typing import Any

import pytest

from tests.tools.conftest import called, request_for
from tests.tools.plugins import Counting, Excessive, Slow
from tests.tools.recorder import Recorder, Unwilling, Willing
from tools.calling import call_tool
from tools.ledger import ToolCallRecord, lost_row
from tools.request import ToolAnswer

pytestmark = pytest.mark.usefixtures("plugins")


@pytest.fixture(autouse=True)
def nothing_called() -> None:
    Counting.calls.clear()
    Slow.ended.clear()


def test_a_call_is_answered_and_recorded(recorder: Recorder) -> None:
    answer = called(request_for("counting", arguments={"first": 1}, request_id="r-1"), recorder)
    assert (answer.status, answer.text, answer.data) == ("succeeded", "3", {"sum": 3})
    assert (answer.error, answer.told, answer.replayed) == ("", "3", False)
    call = recorder.call
    assert (call.tool, call.arguments, call.attempt) == ("counting", {"first": 1}, 1)
    assert (call.status, call.text, call.request_id) == ("succeeded", "3", "r-1")
    assert call.latency_ms is not None
    assert Counting.calls[0].origin == call.origin
    assert Counting.calls[0].call_id == call.id


def test_the_row_is_committed_before_the_tool_is_called(recorder: Recorder) -> None:
    seen: list[int] = []

    async def look() -> None:
        seen.append(len(Counting.calls))

    recorder.opening = look
    called(request_for("counting", arguments={"first": 1}), recorder)
    assert seen == [0]


def test_no_row_no_call(recorder: Recorder) -> None:
    async def fail() -> None:
        raise ConnectionError("no database")

    recorder.opening = fail
    with pytest.raises(ConnectionError):
        called(request_for("counting", arguments={"first": 1}), recorder)
    assert Counting.calls == []


@pytest.mark.parametrize("status", ["succeeded", "failed", "refused", "timed_out"])
def test_an_answer_that_is_known_is_given_again_without_asking_anybody(status: str) -> None:
    first = Recorder()
    called(request_for("counting", arguments={"first": 1}), first)
    second, permissions = Recorder(), Unwilling()
    second.known = first.call
    second.known.status = status
    answer = called(request_for("counting", arguments={"first": 1}), second, permissions)
    assert answer.replayed
    assert (answer.text, answer.call_id) == ("3", first.call.id)
    assert (len(Counting.calls), second.rows, permissions.asked) == (1, [], [])


def test_a_call_that_is_made_again_is_the_next_attempt(recorder: Recorder) -> None:
    recorder.earlier_attempts = 2
    called(request_for("counting", arguments={"first": 1}), recorder)
    assert recorder.call.attempt == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "first: Field required"),
        ({"first": "many"}, "first: Input should be a valid integer"),
        ({"first": 1, "third": 3}, "third: Extra inputs are not permitted"),
        ("not an object", "all: Input should be an object"),
        ([1], "all: Input should be an object"),
        (None, "all: Input should be an object"),
    ],
)
def test_bad_arguments_are_told_back(recorder: Recorder, arguments: Any, told: str) -> None:
    permissions = Willing()
    answer = called(request_for("counting", arguments=arguments), recorder, permissions)
    assert (answer.status, answer.error) == ("failed", "invalid_arguments")
    assert told in answer.told
    assert (recorder.call.status, recorder.call.arguments) == ("failed", arguments)
    assert (Counting.calls, permissions.asked) == ([], [])


def test_a_tool_that_was_not_offered_is_not_called_and_that_is_an_answer_and_a_row(
    recorder: Recorder,
) -> None:
    asked = request_for("counting", arguments={"first": 1}, offered=False)
    assert called(asked, recorder).error == "tool_not_offered"
    assert (recorder.call.tool, recorder.call.status) == ("counting", "failed")
    assert Counting.calls == []


def test_an_unknown_tool_is_an_answer_and_a_row(recorder: Recorder) -> None:
    answer = called(request_for("made_up\0" + "x" * 100), recorder)
    assert answer.error == "unknown_tool"
    assert recorder.call.tool == "made_up" + "x" * 56


def test_a_refusal_is_an_answer_and_a_row(recorder: Recorder) -> None:
    answer = called(request_for("counting", arguments={"first": 1}), recorder, Unwilling())
    assert (answer.status, answer.error, answer.message) == ("refused", "tool_denied", "Not you.")
    assert (recorder.call.status, Counting.calls) == ("refused", [])


def test_a_tool_that_takes_too_long_is_stopped(recorder: Recorder) -> None:
    answer = called(request_for("slow"), recorder)
    assert (answer.status, answer.error) == ("timed_out", "tool_timed_out")
    assert "0.05 s" in answer.told
    assert (recorder.call.status, Slow.ended) == ("timed_out", ["stopped"])


def test_a_caller_may_set_another_limit(recorder: Recorder) -> None:
    assert "0.01 s" in called(request_for("slow", timeout_s=0.01), recorder).told


@pytest.mark.parametrize("tool", ["broken", "impatient", "exiting", "abandoned"])
def test_what_breaks_in_a_tool_is_an_answer_that_betrays_nothing(
    recorder: Recorder, tool: str
) -> None:
    answer = called(request_for(tool), recorder)
    assert (answer.status, answer.error) == ("failed", "tool_failed")
    assert "hunter2" not in answer.told
    assert recorder.call.status == "failed"


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Berlin", "The tool had an error of its own; the server's log has the call."),
        ("nowhere", "Nobody knows what time it is nowhere."),
    ],
)
def test_what_breaks_while_a_tool_reads_its_arguments_is_an_answer_and_a_row(
    recorder: Recorder, zone: str, told: str
) -> None:
    answer = called(request_for("choosy", arguments={"zone": zone}), recorder)
    assert (answer.status, answer.error, answer.message) == ("failed", "tool_failed", told)
    assert recorder.call.status == "failed"


def test_a_tool_that_does_not_say_why_it_cannot_has_failed_all_the_same(recorder: Recorder) -> None:
    answer = called(request_for("speechless"), recorder)
    assert (answer.status, answer.error) == ("failed", "tool_failed")


def test_a_tool_can_say_why_it_cannot(recorder: Recorder) -> None:
    answer = called(request_for("unable"), recorder)
    assert answer.told == "Error (tool_failed): The moon is in the wrong phase: {odd}."


def _round() -> Any:
    endless: list[Any] = []
    endless.append(endless)
    return endless


def _many() -> Any:
    doubled: Any = [1]
    for _ in range(60):
        doubled = [doubled, doubled]
    return doubled


@pytest.mark.parametrize(
    "what",
    [object(), float("nan"), "x" * 300_000, ["x" * 200_000] * 3, _round(), _many(), 10**2000],
)
def test_what_no_row_can_hold_is_no_result(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, what: Any
) -> None:
    monkeypatch.setattr(Excessive, "what", what)
    answer = called(request_for("excessive"), recorder)
    assert (answer.status, answer.error, answer.data) == ("failed", "tool_result_not_kept", None)


def test_what_databases_refuse_is_taken_out(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Excessive, "what", {"a\0": ("b\0c", "half\0 \ud800"), 1: [None, True, 0.5]})
    answer = called(request_for("excessive"), recorder)
    assert answer.data == {"a": ["bc", "half ?"], "1": [None, True, 0.5]}


def test_arguments_that_no_row_can_hold_are_not_kept(recorder: Recorder) -> None:
    answer = called(request_for("counting", arguments={"first": float("nan")}), recorder)
    assert answer.error == "invalid_arguments"
    assert recorder.call.arguments is None


def stopped(recorder: Recorder, tool: str, after_s: float = 0.02, **fields: Any) -> None:
    """Call, and cancel a moment later."""

    async def scenario() -> ToolAnswer:
        task = asyncio.create_task(call_tool(request_for(tool, **fields), recorder, Willing()))
        await asyncio.sleep(after_s)
        task.cancel()
        return await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())


def test_a_cancelled_call_is_settled_before_the_cancel_goes_on(recorder: Recorder) -> None:
    stopped(recorder, "slow", timeout_s=5)
    assert (recorder.call.status, recorder.call.error_code) == ("cancelled", "cancelled")
    assert Slow.ended == ["stopped"]


def test_a_call_cancelled_while_its_row_is_written_is_never_made(recorder: Recorder) -> None:
    recorder.opening = lambda: asyncio.sleep(30)
    stopped(recorder, "counting", arguments={"first": 1})
    assert recorder.call.status == "cancelled"
    assert Counting.calls == []


def test_a_call_that_was_lost_says_so(recorder: Recorder) -> None:
    called(request_for("counting", arguments={"first": 1}), recorder)
    row = ToolCallRecord(**recorder.call.opened_row()).row()
    assert row["status"] == "open"
    lost = lost_row(row)
    assert (lost["status"], lost["error_code"]) == ("lost", "call_lost")
    assert lost.keys() == recorder.call.settled_row().keys()
