"""What holds of a run whose process died: it ended as its file says, and nothing was done twice."""

from collections import Counter
from typing import Any

from llms.models import ModelCall
from tests.conformance.seen import came_of, expected
from tests.conformance.stage import Stage, Wire
from tools.models import ToolCall
from workflows.models import WorkflowExecution

_LEDGERS = ("calls", "tool_calls")


def assert_outlived(here: Stage, execution: WorkflowExecution, wire: Wire, when: str) -> int:
    """What was lost with the process is the only thing done twice; gives how many calls were."""
    seen = came_of(here, execution, wire)
    told = _as_if_never_dead(here, seen)
    lost = {name: [line for line in seen[name] if " lost" in line] for name in _LEDGERS}
    seen |= {name: [line for line in seen[name] if " lost" not in line] for name in _LEDGERS}
    assert seen == told, (when, lost)
    _assert_nothing_was_asked_twice(execution, wire)
    _assert_nothing_was_sent_twice(here, execution)
    return sum(map(len, lost.values()))


def _as_if_never_dead(here: Stage, seen: dict[str, Any]) -> dict[str, Any]:
    """What the file says, but for what a death may change: how many events and calls there are."""
    told = expected(here, seen)
    return told | {name: seen[name] for name in ("asked", "events", "usage", "sent", "shown")}


def _assert_nothing_was_asked_twice(execution: WorkflowExecution, wire: Wire) -> None:
    """The provider's meter saw each call that came to an end once."""
    rows = {str(row.pk): row for row in ModelCall.objects.filter(origin=execution.origin)}
    sent = [rows[record.call] for record in wire.meter.settled() if record.call in rows]
    ended = Counter(
        (row.node, row.visit, row.call_index, row.attempt) for row in sent if row.status != "lost"
    )
    assert set(ended.values()) <= {1}
    assert {row.pk for row in sent} >= {row.pk for row in rows.values() if row.status != "lost"}


def _assert_nothing_was_sent_twice(here: Stage, execution: WorkflowExecution) -> None:
    """Nor did a web server: what was lost may have come to it again, under the same key."""
    sent = here.web.sent if here.web else []
    rows = ToolCall.objects.filter(origin=execution.origin, tool="http_request")
    lost = rows.filter(status="lost").count()
    assert set(sent) == set(here.case.expect.sent)
    assert 0 <= len(sent) - len(here.case.expect.sent) <= lost
