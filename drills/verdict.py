"""What must hold after a fault, read from the database, the provider's meter and the watchers."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drills.fault import Fault
from drills.load import Load, logs_of
from drills.site import Site

CATEGORIES = ("input", "cache_read", "cache_write", "output", "reasoning")
PROMISES = {
    "over": "each cause has one execution, and each execution has ended",
    "outputs": "every output is the same as in a run without a fault",
    "log": "every log is numbered without a gap and has one end, the same as its execution",
    "once": "nothing finished was paid for twice, and no two calls of an execution overlap",
    "ledger": "each request on the meter has one row, with the same usage or marked as unknown",
    "watchers": "every watcher received exactly the log",
    "answers": "requests that cannot be served are refused with 429 or 503",
    "books": "`reconcile` and `verify_audit` find nothing wrong",
    "also": "what must hold for this fault alone",
}
_REFUSED = {409, 429, 503}
_ENDS = {"execution.completed", "execution.failed", "execution.cancelled"}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What does not hold, and of which promise."""

    promise: str
    what: str


@dataclass(frozen=True, slots=True)
class Left:
    """Everything a drill left behind. `outputs`: the text of each execution, by its number."""

    executions: Mapping[str, Mapping[str, Any]]
    calls: Mapping[str, Mapping[str, Any]]
    logs: Mapping[str, list[dict[str, Any]]]
    meter: list[dict[str, Any]]
    outputs: Mapping[int, str]

    @property
    def taken_up(self) -> int:
        """How many attempts were made beyond the first."""
        return sum(one["attempt"] - 1 for one in self.executions.values())

    @property
    def lost(self) -> int:
        return sum(call["status"] == "lost" for call in self.calls.values())


def left_by(site: Site, load: Load) -> Left:
    found = site.ask("tests.drills.dump")
    executions = {one["id"]: one for one in found["executions"]}
    return Left(
        executions=executions,
        calls={call["id"]: call for call in found["calls"]},
        logs=found["logs"],
        meter=list(_metered(site).values()),
        outputs={
            number: (executions[key]["output"] or {}).get("text", "")
            for number, key in load.started.items()
            if key in executions and executions[key]["status"] != "failed"
        },
    )


def wrong(site: Site, fault: Fault, load: Load, left: Left, calm: Left) -> Iterator[Wrong]:
    """Each thing that does not hold."""
    checked = {
        "over": _executions(fault, load, left),
        "outputs": _outputs(left, calm),
        "log": _logs(left),
        "once": _once(fault, left),
        "ledger": _ledger(fault, left),
        "watchers": _watched(site, load),
        "answers": _answers(fault, load),
        "books": _books(site),
        "also": fault.also(site, left),
    }
    for promise, found in checked.items():
        yield from (Wrong(promise, what) for what in found)


def _executions(fault: Fault, load: Load, left: Left) -> Iterator[str]:
    asked = {key for key, one in left.executions.items() if one["cause"] == "api"}
    if asked != set(load.started.values()):
        yield f"{len(asked)} executions for {len(load.started)} causes"
    statuses = Counter(one["status"] for one in left.executions.values())
    allowed = {"completed", "failed"} if fault.fails else {"completed"}
    if not set(statuses) <= allowed:
        errors = Counter(str(one["error"])[:120] for one in left.executions.values())
        yield f"ended as {dict(statuses)}: {dict(errors)}"


def _answers(fault: Fault, load: Load) -> Iterator[str]:
    if other := {told for told in load.refusals if told[0] not in _REFUSED}:
        yield f"answered with {sorted(other)}"
    if fault.refuses and not any(status == 503 for status, _ in load.refusals):
        yield "no start was refused"


def _books(site: Site) -> Iterator[str]:
    for command in ("reconcile", "verify_audit"):
        done = site.manage(command)
        if done.returncode:
            yield f"`{command}` says: {(done.stdout + done.stderr)[-300:]}"


def _outputs(left: Left, calm: Left) -> Iterator[str]:
    other = [number for number, text in left.outputs.items() if text != calm.outputs.get(number)]
    if other:
        yield f"{len(other)} outputs differ from a run without a fault"


def _logs(left: Left) -> Iterator[str]:
    for key, execution in left.executions.items():
        log = left.logs.get(key, [])
        if [event["seq"] for event in log] != list(range(1, len(log) + 1)):
            yield f"the log of {key} has a gap"
        ends = [event["type"] for event in log if event["type"] in _ENDS]
        if ends != [f"execution.{execution['status']}"] or log[-1]["type"] != ends[0]:
            yield f"the log of {key} ends with {ends}"


def _ledger(fault: Fault, left: Left) -> Iterator[str]:
    """Each request has one row, which says what was billed, or that it is not known."""
    asked = Counter(record["call"] for record in left.meter)
    if unknown := asked.keys() - left.calls.keys():
        yield f"{len(unknown)} requests without a row"
    if twice := [call for call, count in asked.items() if count > 1]:
        yield f"{len(twice)} rows for more than one request"
    billed = {record["call"]: record["usage"] for record in left.meter}
    for key, call in left.calls.items():
        if call["status"] == "open" or (call["status"] == "lost" and not fault.loses):
            yield f"call {key} is {call['status']}"
        if call["exactness"] == "metered" and not _agree(call, billed.get(key)):
            yield f"call {key} is not what the meter says: {billed[key]}"


def _agree(call: Mapping[str, Any], usage: Mapping[str, int] | None) -> bool:
    return usage is None or {name: call[f"{name}_tokens"] or 0 for name in CATEGORIES} == usage


def _once(fault: Fault, left: Left) -> Iterator[str]:
    yield from _paid_twice(left)
    if fault.one_clock:
        yield from _at_once(left)
    yield from _answered_at_once(left)


def _paid_twice(left: Left) -> Iterator[str]:
    finished = Counter(
        (call["origin"], call["node"], call["visit"], call["call_index"])
        for call in left.calls.values()
        if call["status"] == "succeeded"
    )
    if paid_twice := [key for key, count in finished.items() if count > 1]:
        yield f"{len(paid_twice)} finished calls were paid twice"


def _at_once(left: Left) -> Iterator[str]:
    """No two attempts at an execution write at the same time: each begins when one is over."""
    for key, calls in _by_execution(left).items():
        for before, after in zip(calls, calls[1:], strict=False):
            ended = before["settled_at"]
            if ended and datetime.fromisoformat(ended) > datetime.fromisoformat(
                after["started_at"]
            ):
                yield f"two calls of {key} overlap"


def _answered_at_once(left: Left) -> Iterator[str]:
    """The same by the clock of the provider: of what it said and was taken, nothing overlaps."""
    spans: dict[str, list[tuple[str, str]]] = {}
    for record in left.meter:
        call = left.calls.get(record["call"])
        if call is not None and call["status"] == "succeeded" and record["finished_at"]:
            span = record["received_at"], record["finished_at"]
            spans.setdefault(call["origin"], []).append(span)
    for key, one in spans.items():
        in_order = sorted(one)
        for (_, ended), (began, _) in zip(in_order, in_order[1:], strict=False):
            if ended > began:
                yield f"two answers to {key} overlap"


def _by_execution(left: Left) -> dict[str, list[Mapping[str, Any]]]:
    calls: dict[str, list[Mapping[str, Any]]] = {}
    for call in sorted(left.calls.values(), key=lambda one: str(one["started_at"])):
        calls.setdefault(call["origin"], []).append(call)
    return calls


def _watched(site: Site, load: Load) -> Iterator[str]:
    logs = asyncio.run(logs_of(site, [watcher.execution for watcher in load.watchers]))
    for watcher in load.watchers:
        if watcher.events != logs[watcher.execution]:
            yield f"a watcher of {watcher.execution} has another log ({watcher.sockets} sockets)"


def _metered(site: Site) -> dict[str, dict[str, Any]]:
    """The newest state of every request; those under way when all was over were left."""
    lines = [json.loads(line) for line in site.meter.read_text().splitlines()]
    return {record["id"]: record for record in lines}
