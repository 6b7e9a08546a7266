"""Cases that are played side by side, by a worker that is there all the time.

`run` in a file means here: until it is over, or waits. There is one world for all of them, so what
changes it is done when all who want it stand before it: clocks are put on by as much as the most of
them want, and one process dies for all that are to outlive it. Five parts follow one another:

0   what happens while a worker is there; what comes next after some time, while none is
1   what is run by a process that dies
2   what is changed for everybody, or before a process sees the run: it begins while none is there
3   what is run by a process that is stopped
4   what changes the server itself: it begins while no process is there, and those to come differ
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core import clock
from tests.conformance.case import Case, JsonObject
from tests.conformance.changing import changed
from tests.conformance.stage import Stage, execution_of
from tests.conformance.steps import STEPS
from tests.conformance.worker import Worker
from tests.drills.mortal import events_of, leases_run_out
from tests.wire import WirePart
from workflows.models import TERMINAL, WorkflowExecution
from workflows.services.executions import request_cancel

PATIENCE_S = 60.0
_LOOK_S = 0.02
_AT_ONCE = 16
_OF_ALL = {"switch_off", "withdraw"}
_OF_THE_SERVER = {"uninstall", "settings"}
_RUN_TO_THE_END = {"cancel_when", "outlast"}
_WHEN = {"die_when", "stop_when", "cancel_when", "outlast"}
_WHILE_RUN = {"run", *_WHEN}
Rests = Callable[[UUID], bool]


@dataclass
class Playing:
    """One case on its stage. `left` are the steps that are still to be taken."""

    name: str
    here: Stage
    wire: WirePart
    left: deque[tuple[str, Any]] = field(default_factory=deque)
    told: Any = None
    execution: Any = None
    error: Exception | None = None

    def begin(self, past: JsonObject | None = None) -> None:
        """Start it, and note its steps. A worker answers what was said before, or has."""
        self.told = self.here.begin(lambda: _wait_until(_rest(self.here)), past)
        if self.told.status_code < 300:
            self.execution = execution_of(self.told)
            for word, what in map(_word, self.here.case.then):
                self.left += [(word, what), *([("run", None)] if word in _RUN_TO_THE_END else [])]

    def stands_before(self, word: str) -> bool:
        return bool(self.left) and self.left[0][0] == word

    def has_come_to(self, words: Collection[str]) -> bool:
        """Whether it is over, or stands before one of these and can take it."""
        if not self.left:
            return True
        word, what = self.left[0]
        return word in words and (word not in _WHEN or self._happened(what))

    def go_on(self, rests: Rests, until: Collection[str]) -> None:
        """Take the steps that can be taken now; one that cannot be taken at all is the last."""
        try:
            self._go_on(rests, until)
        except Exception as error:  # the others go on
            self.error = error
            self.left.clear()

    def _go_on(self, rests: Rests, until: Collection[str]) -> None:
        while self.left and self.left[0][0] not in until:
            word, what = self.left[0]
            if word == "run" and not rests(self.execution.pk):
                return
            if word == "cancel_when":
                if not self._happened(what):
                    return
                request_cancel(self.execution.pk, by=self.here.alice)
            elif word != "run":
                self.execution = STEPS[word](self.here, self.execution, what) or self.execution
                rests = _nothing_rests  # what was seen of it is not so any more
            self.left.popleft()

    def _happened(self, what: dict[str, Any]) -> bool:
        if "sent" in what:
            return self.here.web is not None and len(self.here.web.sent) >= what["sent"]
        data = {name: value for name, value in what.items() if name not in ("type", "seconds")}
        return any(
            event["type"] == what["type"] and data.items() <= event["data"].items()
            for event in events_of(self.execution)
        )


def part_of(case: Case) -> int:
    words = [_word(step)[0] for step in case.then]
    if _OF_THE_SERVER & {*words}:
        return 4
    if "stop_when" in words:
        return 3
    if words[0] not in _WHILE_RUN or _OF_ALL & {*words}:
        return 2
    return int("die_when" in words)


def play(all_: Sequence[Playing], worker: Worker) -> None:
    """To their ends; what does not come to its end in time stays where it is."""
    first, second, third, fourth, fifth = (
        [one for one in all_ if part_of(one.here.case) == at] for at in range(5)
    )
    go_on_with(first, {"outlast", "later"})
    worker.clocks.put_on(loops=_passed(first, "outlast"))
    go_on_with(first, {"later"})
    go_on_with(second, {"die_when"})
    with worker.killed():
        _passed(second, "die_when")
        later = [one for one in (*first, *second) if one.stands_before("later")]
        worker.clocks.put_on(wall=_passed(later, "later"))
        go_on_with(later, _WHILE_RUN)
        leases_run_out()
    go_on_with([*first, *second], ())
    mortal = [one for one in third if "die_when" in dict(map(_word, one.here.case.then))]
    go_on_with(mortal, {"die_when"})
    with worker.killed():
        _passed(mortal, "die_when")
        go_on_with(third, {"later", "run"})
        worker.clocks.put_on(wall=_passed(third, "later"))
        leases_run_out()
    go_on_with(third, ())
    go_on_with(fourth, {"stop_when"})
    worker.stop()
    _passed(fourth, "stop_when")
    worker.clocks.put_on(wall=_passed(fourth, "later"))
    worker.start()
    go_on_with(fourth, ())
    worker.stop()
    go_on_with(fifth, _OF_THE_SERVER)
    worker.start(**changed(one.left.popleft() for one in fifth if one.left))
    go_on_with(fifth, ())


def go_on_with(those: Iterable[Playing], until: Collection[str]) -> None:
    """Begin each, and go on until it is over, or stands before one of these words and can take it.

    What waits for something does so while others begin, but not for long.
    """
    left: list[Playing] = []
    for one in those:
        if one.told is None:
            one.begin()
        left.append(one)
        if len(left) >= _AT_ONCE:
            left = _look(left, until)
    deadline = time.monotonic() + PATIENCE_S
    while (left := _look(left, until)) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _look(left: Sequence[Playing], until: Collection[str]) -> list[Playing]:
    """Those that have not come so far."""
    if left:
        at_rest = resting(one.execution.pk for one in left if one.execution)
        for one in left:
            one.go_on(at_rest.__contains__, until)
    return [one for one in left if not one.has_come_to(until)]


def _passed(those: Iterable[Playing], word: str) -> float:
    """Take this step of all who stand before it; gives the seconds that the most of them want."""
    wanted = [one.left.popleft()[1] for one in those if one.stands_before(word)]
    seconds = [one.get("seconds", 0) if isinstance(one, dict) else one for one in wanted]
    return max(seconds, default=0)


def resting(ids: Iterable[UUID]) -> set[UUID]:
    """Those that are over, or wait and nothing has woken them."""
    rows = WorkflowExecution.objects.filter(pk__in=list(ids))
    now = clock.now()
    return {
        pk
        for pk, status, wakes_at in rows.values_list("pk", "status", "wakes_at")
        if status in TERMINAL or (status == "waiting" and (wakes_at is None or wakes_at > now))
    }


def _rest(here: Stage) -> Callable[[], bool]:
    def rest() -> bool:
        ids = set(here.alice.executions.values_list("pk", flat=True))
        return resting(ids) == ids

    return rest


def _nothing_rests(pk: UUID) -> bool:
    return False


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _word(step: Any) -> tuple[str, Any]:
    return (step, None) if isinstance(step, str) else next(iter(step.items()))
