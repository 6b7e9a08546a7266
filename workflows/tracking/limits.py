"""Limits that were reached, in the audit trail; and what earlier attempts used of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from audit.models import Outcome
from audit.record import entry
from llms.ledger import CallRecord
from workflows.engine.errors import STEP_TIME
from workflows.engine.events import LimitReached
from workflows.engine.paths import Place
from workflows.models import WorkflowExecution
from workflows.tracking.facts import Audited

ACTION = "workflows.limit.reached"
_FIELDS = tuple(field.name for field in fields(LimitReached))


def audited(event: LimitReached, execution: WorkflowExecution) -> Audited:
    """The entry to be committed with the event."""
    return Audited(
        entry(
            ACTION,
            actor=execution.user_id,
            target=execution,
            outcome=Outcome.FAILURE,
            detail={
                "limit": event.limit,
                "most": str(event.most),
                "reached": None if event.reached is None else str(event.reached),
                "node": event.node,
            },
            request_id=execution.request_id,
        )
    )


def amounts_of(call: CallRecord) -> tuple[int | None, int | None]:
    """Tokens and nano-dollars a call used: at most, where that is all one knows; None: unknown."""
    tokens = call.upper_bound_tokens if call.total_tokens is None else call.total_tokens
    cost = call.upper_bound_nano_usd if call.cost_nano_usd is None else call.cost_nano_usd
    return tokens, cost


def added_up(calls: Iterable[CallRecord]) -> tuple[int | None, int | None]:
    """Of all calls; one that is unknown makes the sum unknown."""
    tokens: list[int | None] = []
    costs: list[int | None] = []
    for call in calls:
        used = amounts_of(call)
        tokens.append(used[0])
        costs.append(used[1])
    return _sum(tokens), _sum(costs)


class Witness:
    """Reads a log: which visits took too long, and how long those that did not end took so far.

    Any other limit ends its run in the transaction that logs it, so only the log of a run that is
    replayed has one: `over`. Time counts while an attempt runs, until the last thing it logged.
    """

    def __init__(self) -> None:
        self.too_long: dict[Place, LimitReached] = {}
        self.over: LimitReached | None = None
        self._begun: dict[Place, str] = {}
        self._spent_s: dict[Place, float] = {}
        self._last_at = ""

    @property
    def spent_s(self) -> Mapping[Place, float]:
        """Seconds at each visit that did not end."""
        self._stop()
        return self._spent_s

    def see(self, event: Mapping[str, Any]) -> None:
        kind, data = event["type"], event["data"]
        if kind == "node.started":
            self._begun[data["node"], data["visit"]] = event["at"]
        elif kind in ("node.finished", "node.failed"):
            self._begun.pop((data["node"], data["visit"]), None)
            self._spent_s.pop((data["node"], data["visit"]), None)
        elif kind == "execution.resumed":
            self._stop()
            self._begun = dict.fromkeys(self._spent_s, event["at"])
        elif kind == LimitReached.type:
            told = LimitReached(**{name: data[name] for name in _FIELDS})
            if told.code == STEP_TIME:
                self.too_long[told.node, told.visit] = told
            else:
                self.over = told
        self._last_at = event["at"]

    def _stop(self) -> None:
        """The attempt told nothing more."""
        for visited, since in self._begun.items():
            took = datetime.fromisoformat(self._last_at) - datetime.fromisoformat(since)
            self._spent_s[visited] = self._spent_s.get(visited, 0.0) + took.total_seconds()
        self._begun = {}


def _sum(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
