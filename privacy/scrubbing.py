"""Takes words out of event logs: what happened, how long it took and what it cost stays."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import orjson

from accounts.models import User
from core.bulk import update_rows
from privacy.table import pages
from workflows.engine.events import ApprovalDecided, NodeOutput
from workflows.models import Approval, ExecutionEvent, WorkflowExecution
from workflows.tracking.pruning import prune_executions

# Texts that the product wrote; every other goes.
_OURS = frozenset(
    {
        *("node", "kind", "port", "purpose", "provider", "model", "status", "exactness", "cost"),
        *("finish_reason", "answered_by", "tool", "approval", "decision", "deadline_at", "until"),
        *("limit", "most", "reached", "code", "rerun", "id"),
        "source",
    }
)
_ANYTHING = frozenset({"arguments", "output"})  # of whatever shape; its keys may be words, too
_AT_ONCE = 50

Event = dict[str, Any]


def scrub_logs(user: User) -> int:
    """All logs of the user's executions, without what was said in them; returns how many.

    Pieces of texts go as `prune` takes them, so the numbers of what stays tell how many there were.
    """
    count = 0
    for keys in pages(WorkflowExecution.objects.filter(user=user), _AT_ONCE):
        prune_executions(keys, dry_run=False)
        _rewrite(keys, _without_words)
        count += len(keys)
    return count


def scrub_decisions(user: User) -> int:
    """The user's name and comment, in logs of others whose approvals they decided."""
    decided = Approval.objects.filter(decided_by=user).exclude(execution__user=user)
    count = 0
    for keys in pages(decided, _AT_ONCE):
        count += len(keys)
        executions = Approval.objects.filter(pk__in=keys).values_list("execution", flat=True)
        _rewrite(_with_reruns(executions), _Undecided(keys))
    return count


class _Undecided:
    """Takes out who decided these approvals, and what was said of it, event by event in order."""

    def __init__(self, approvals: Iterable[Any]) -> None:
        self._approvals = {str(pk) for pk in approvals}
        self._visits: set[tuple[Any, ...]] = set()

    def __call__(self, event: Event) -> Event:
        data = event["data"]
        visit = event["execution"], data.get("node"), data.get("visit")
        if event["type"] == ApprovalDecided.type and data["approval"] in self._approvals:
            self._visits.add(visit)
            data |= {"by": "", "comment": ""}
        elif event["type"] == NodeOutput.type and visit in self._visits:  # in debug mode
            data["data"] |= {"values": {}}
        return event


def _with_reruns(executions: Iterable[Any]) -> set[Any]:
    """These and all that they were run again as, whose logs tell of the same decisions."""
    found: set[Any] = set()
    new = set(executions)
    while new:
        found |= new
        again = WorkflowExecution.objects.filter(source__in=new)
        new = set(again.values_list("pk", flat=True)) - found
    return found


def unname_approver(user: User, names: Collection[str]) -> None:
    """Approvals of others that name the user as one who may decide name nobody in that place."""
    rows = Approval.objects.filter(users=user)
    for keys in pages(rows, _AT_ONCE):
        for one in Approval.objects.filter(pk__in=keys):
            one.approvers = [name for name in one.approvers if name not in names]
            one.save(update_fields=["approvers"])


def _rewrite(executions: Any, change: Callable[[Event], Event]) -> None:
    locked = ExecutionEvent.objects.select_for_update()
    events = locked.filter(execution__in=executions).order_by("execution", "seq")
    rows = events.values("id", "frames")
    changed = [{**row, "frames": _changed(row["frames"], change)} for row in rows]
    update_rows(ExecutionEvent, changed)


def _changed(frames: str, change: Callable[[Event], Event]) -> str:
    events = (change(orjson.loads(line)) for line in frames.split("\n"))
    return "\n".join(orjson.dumps(event).decode() for event in events)


def _without_words(event: Event) -> Event:
    return {**event, "data": _numbers(event["data"])}


def _numbers(value: Any, name: str = "") -> Any:
    """The value with its numbers, and those texts alone that are ours."""
    if isinstance(value, str):
        return value if name in _OURS else ""
    if name in _ANYTHING:
        return None
    if isinstance(value, dict):
        return {key: _numbers(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner, name) for inner in value]
    return value
