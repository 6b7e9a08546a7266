"""Looks through the audit trail, each entry once, and raises alerts."""

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from audit.models import AuditEntry, AuditHead, Outcome
from audit.record import record
from core import clock
from security.models import AlertKind, SecurityAlert, TrailPosition
from security.rules import ACTIONS, RULES, Rule, Subject
from webhooks.models import MessageType
from webhooks.services.notifying import notify_staff

_AT_ONCE = 5_000
_MOST_ENTRIES = 50
_COUNTED = ("count", "last_at", "entries", "raised_at")  # the rest is others' to write

_Alerts = dict[tuple[AlertKind, str, datetime], SecurityAlert]


def watch_trail() -> int:
    """Count what was sealed since the last time, however many processes ask; returns how many.

    What is counted and how far one came is one transaction. The first time begins where the trail
    ends: an installation is not told of its past.
    """
    head = _head()
    position, _ = TrailPosition.objects.get_or_create(pk=1, defaults={"seq": head})
    seen = 0
    while position.seq + seen < head:
        step = _watch_some(head)
        if not step:
            break
        seen += step
    return seen


@transaction.atomic
def _watch_some(head: int) -> int:
    """0 while another looks."""
    skip = connection.features.has_select_for_update_skip_locked
    position = TrailPosition.objects.select_for_update(skip_locked=skip).filter(pk=1).first()
    if position is None or position.seq >= head:
        return 0
    upto = min(head, position.seq + _AT_ONCE)
    entries = AuditEntry.objects.in_order(position.seq + 1, upto)
    alerts: _Alerts = {}
    for entry in entries.filter(action__in=ACTIONS):
        for rule in RULES:
            if rule.action == entry.action:
                _count(rule, entry, alerts)
    for alert in alerts.values():
        counted = {name: getattr(alert, name) for name in _COUNTED}
        SecurityAlert.objects.filter(pk=alert.pk).update(**counted)
    seen = upto - position.seq
    position.seq = upto
    position.save()
    return seen


def _count(rule: Rule, entry: AuditEntry, alerts: _Alerts) -> None:
    limit, weight, subject = rule.limit, rule.weight(entry), rule.about(entry)
    if limit is None or not weight or subject is None:
        return
    starts_at = _start(entry.at, limit[1])
    key = rule.kind, subject.text, starts_at
    if key not in alerts:
        alerts[key] = _alert(rule, limit, subject, starts_at, entry.at)
    alert = alerts[key]
    alert.count += weight
    alert.last_at = max(alert.last_at, entry.at)
    if len(alert.entries) < _MOST_ENTRIES:
        alert.entries = [*alert.entries, entry.seq]
    if alert.raised_at is None and alert.count >= alert.threshold:
        _raise(alert)


def _alert(
    rule: Rule, limit: tuple[int, int], subject: Subject, starts_at: datetime, at: datetime
) -> SecurityAlert:
    threshold, window_s = limit
    found, _ = SecurityAlert.objects.get_or_create(
        kind=rule.kind,
        subject=subject.text,
        starts_at=starts_at,
        defaults={
            "user_id": subject.user_id,
            "window_s": window_s,
            "threshold": threshold,
            "first_at": at,
            "last_at": at,
        },
    )
    return found


def _start(at: datetime, window_s: int) -> datetime:
    """Windows lie one behind the other since the epoch, the same for all."""
    since = datetime(1970, 1, 1, tzinfo=UTC)
    return since + timedelta(seconds=int((at - since).total_seconds()) // window_s * window_s)


def _raise(alert: SecurityAlert) -> None:
    """Tell of it, once: e-mail follows (`security.services.mailing`)."""
    alert.raised_at = clock.now()
    detail = {"kind": alert.kind, "threshold": alert.threshold, "window_s": alert.window_s}
    record(
        "security.alert.raised",
        target=alert,
        outcome=Outcome.DENIED,
        detail=detail,
    )
    notify_staff(
        MessageType.SECURITY,
        {**detail, "alert": str(alert.pk), "subject": alert.subject, "count": alert.count},
    )


def _head() -> int:
    return AuditHead.objects.filter(pk=1).values_list("seq", flat=True).first() or 0
