"""Whether the rows say that everybody kept to what is theirs."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from audit.models import AuditEntry
from audit.record import label
from conversations.models import Message
from core import clock
from core.aggregates import GROUPS, all_differences
from security.compliance.check import Finding, Status, judged
from tools.models import EVERY_TOOL, ToolAnsweredBy, ToolCall, ToolCallStatus, ToolGrant
from workflows.models import ExecutionStatus, WorkflowExecution

_LOOKED_AT = 10_000
_DAYS = 30
_MOST_TOLD = 20
_SOON = timedelta(minutes=1)


def tool_access(thorough: bool) -> Finding:
    """Each refused call has its entry, none of those was made, and no other against a rule.

    Nothing is decided about one that a recording answers.
    """
    since = clock.now() - timedelta(days=_DAYS)
    decided = ToolCall.objects.exclude(answered_by=ToolAnsweredBy.RECORDING)
    calls = decided.filter(created_at__gt=since).order_by("-id")
    rows = list(calls.only("status", "user_id", "tool", "started_at")[:_LOOKED_AT])
    evidence: dict[str, object] = {"calls": len(rows), "days": _DAYS}
    if not rows:
        return Finding(Status.NOT_CHECKED, "No tool was called.", evidence)
    by_label = {label(call): call.status for call in rows}
    told: set[str] = set()
    labels = list(by_label)
    for at in range(0, len(labels), 500):
        some = AuditEntry.objects.filter(
            action="tools.call.refused", target__in=labels[at : at + 500]
        )
        told |= set(some.values_list("target", flat=True))
    refused = {one for one, status in by_label.items() if status == ToolCallStatus.REFUSED}
    forbidden = _made_against_a_rule(rows)
    evidence |= {
        "refused": len(refused),
        "refused_without_entry": sorted(refused - told)[:_MOST_TOLD],
        "made_though_refused": sorted(told - refused)[:_MOST_TOLD],
        "made_against_a_rule": forbidden[:_MOST_TOLD],
    }
    good = "Decisions about tools and the calls that were made agree."
    faults = (refused ^ told) or forbidden
    return judged(faults, good, "Decisions and calls do not agree.", evidence)


def _made_against_a_rule(calls: Iterable[ToolCall]) -> list[str]:
    """Those that succeeded though a rule which stands refused them to their user, or everyone."""
    rules = ToolGrant.objects.filter(allow=False, group=None, from_time=None)
    since: dict[tuple[UUID | None, str], list[ToolGrant]] = defaultdict(list)
    for rule in rules:
        since[rule.user_id, rule.tool].append(rule)
    return [
        label(call)
        for call in calls
        if call.status == ToolCallStatus.SUCCEEDED
        and any(
            _held(rule, call.started_at)
            for user in (call.user_id, None)
            for tool in (call.tool, EVERY_TOOL)
            for rule in since.get((user, tool), ())
        )
    ]


def _held(rule: ToolGrant, at: datetime) -> bool:
    """Whether the rule was as it is now; not while it was being made, by another transaction."""
    return rule.updated_at + _SOON < at and (rule.expires_at is None or at < rule.expires_at)


def runs_are_recorded(thorough: bool) -> Finding:
    """Each start and end of a run is in the audit trail."""
    since = clock.now() - timedelta(days=_DAYS)
    runs = WorkflowExecution.objects.filter(created_at__gt=since).order_by("-id")
    rows = list(runs.values_list("pk", "status")[:_LOOKED_AT])
    evidence: dict[str, object] = {"runs": len(rows), "days": _DAYS}
    if not rows:
        return Finding(Status.NOT_CHECKED, "Nothing ran.", evidence)
    missing = []
    over = {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED}
    for at in range(0, len(rows), 500):
        part = {f"workflows.workflowexecution:{pk}": status for pk, status in rows[at : at + 500]}
        entries = AuditEntry.objects.filter(
            target__in=part, action__startswith="workflows.execution."
        )
        told = set(entries.values_list("target", "action"))
        for run, status in part.items():
            wanted = ["started", *([str(status)] if status in over else [])]
            missing += [
                f"{run} {act}" for act in wanted if (run, f"workflows.execution.{act}") not in told
            ]
    evidence |= {"missing": missing[:_MOST_TOLD], "missing_count": len(missing)}
    good = "Each start and end of a run has its entry."
    return judged(missing, good, "Runs lack entries in the audit trail.", evidence)


def data_of_others(thorough: bool) -> Finding:
    """No reply came of another's run."""
    messages = Message.objects.filter(execution__isnull=False).order_by("-id")
    newest = list(messages.values_list("pk", flat=True)[:_LOOKED_AT])
    found: list[str] = []
    for at in range(0, len(newest), 500):
        some = Message.objects.filter(pk__in=newest[at : at + 500])
        foreign = some.exclude(execution__user=F("conversation__owner"))
        found += map(str, foreign.values_list("pk", flat=True))
    evidence: dict[str, object] = {"messages": len(newest)}
    if not newest:
        return Finding(Status.NOT_CHECKED, "Nobody has said anything.", evidence)
    evidence["messages_of_others"] = found[:_MOST_TOLD]
    good = "Every reply came of a run of the one whose conversation it is in."
    return judged(found, good, "Replies came of runs of others.", evidence)


def kept_numbers(thorough: bool) -> Finding:
    """As `manage.py reconcile`."""
    if not thorough:
        return Finding(Status.NOT_CHECKED, "Recounted by manage.py compliance_report.", {})
    found = [f"{one.number} of {one.parent}" for one in all_differences()]
    evidence = {
        "numbers": sum(len(group.aggregates) for group in GROUPS),
        "differ": found[:_MOST_TOLD],
    }
    return judged(found, "All totals equal their rows.", "Totals differ from their rows.", evidence)
