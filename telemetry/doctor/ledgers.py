"""Is what was recorded as it was recorded? The quick part of `verify_audit` and `reconcile`."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.template.defaultfilters import pluralize

from audit.checkpoints import checkpoints_in
from audit.guards import missing_guards
from audit.links import check_tail
from audit.models import AuditCheckpoint, AuditEntry, AuditHead, UnsealedGroup
from audit.verdict import Broken
from core import clock
from llms.models import ModelCall
from telemetry.doctor.finding import Finding, broken, warning
from workflows.models import WorkflowExecution

_OF_LATE = 100  # rows
_SEALED_WITHIN = timedelta(minutes=1)
_SIGNED_WITHIN = timedelta(minutes=10)
_NOTED_WITHIN = timedelta(minutes=1)
_PUT_BACK = (
    'manage.py verify_audit; then manage.py shell -c "from audit.guards import install_guards;'
    ' from django.db import connection; install_guards(connection)"'
)
_LOOK = "Somebody changed it, or the secret key is not that of then. manage.py verify_audit"


def audit_guards() -> Iterator[Finding]:
    """The triggers that keep the audit trail append-only."""
    if missing := missing_guards(connection):
        yield broken(
            f"The database does not refuse changes of the trail: {', '.join(missing)} missing.",
            _PUT_BACK,
        )


def audit_sealing() -> Iterator[Finding]:
    """Whether entries are sealed within a second, as they should be."""
    waiting = UnsealedGroup.objects.order_by("pk").values("pk")[:1]
    oldest = AuditEntry.objects.filter(pk__in=waiting).values_list("at", flat=True).first()
    if oldest is not None and clock.now() - oldest > _SEALED_WITHIN:
        yield broken(
            f"Audit entries since {oldest:%Y-%m-%d %H:%M} are not sealed.",
            "Whoever hosts a pump seals: start manage.py serve or manage.py work, see its log.",
        )


def audit_checkpoints() -> Iterator[Finding]:
    """Signed notes of the trail, in the database and outside it."""
    last = AuditCheckpoint.objects.first()
    if not AuditHead.objects.filter(pk=1).exists():
        yield broken("The audit chain has no head.", "manage.py verify_audit")
        return
    unsigned = AuditEntry.objects.in_order((last.seq if last else 0) + 1).first()
    if unsigned is not None and clock.now() - unsigned.at > _SIGNED_WITHIN:
        yield broken(
            f"Nothing was signed since row {unsigned.seq} of {unsigned.at:%Y-%m-%d %H:%M}.",
            "Whoever hosts a pump signs: start manage.py serve or manage.py work, see its log.",
        )
    yield from _outside(last)


def _outside(last: AuditCheckpoint | None) -> Iterator[Finding]:
    if not settings.AUDIT_CHECKPOINTS:
        yield warning(
            "No checkpoint is kept outside the database, so a tail that is cut off is not seen.",
            "Set CHATTER_AUDIT_CHECKPOINTS to a file, and copy that elsewhere.",
        )
        return
    path = Path(settings.AUDIT_CHECKPOINTS)
    where = next(one for one in (path, *path.absolute().parents) if one.exists())
    if path.is_dir():
        yield broken(f"{path} is a directory.", "Name a file in it.")
    elif not os.access(where, os.W_OK):
        yield broken(f"{path} cannot be written.", f"Let the server's user write {where}.")
    noted = list(checkpoints_in(path)) if path.is_file() else []
    if None in noted:
        yield warning(f"{path} has a line that is no checkpoint.", "manage.py verify_audit")
    known = max((one.seq for one in noted if one), default=0)
    # After the file was read, for meanwhile both may grow.
    head = AuditHead.objects.filter(pk=1).values_list("seq", flat=True).first() or 0
    if known > head:
        yield broken(
            f"{path} knows row {known}, and the trail ends at {head}: it was cut off, or"
            " the file is of another installation.",
            "manage.py verify_audit",
        )
    elif last is not None and known < last.seq and clock.now() - last.at > _NOTED_WITHIN:
        yield warning(
            f"{path} does not know row {last.seq}, which was signed on {last.at:%Y-%m-%d %H:%M}.",
            "Lines were removed, or could not be written; or the file is new. The next is written"
            " within a minute: compare with the copy that you keep elsewhere.",
        )


def audit_tail() -> Iterator[Finding]:
    """The end of the trail, entry by entry."""
    try:
        check_tail(_OF_LATE)
    except Broken as fault:
        yield broken(f"The audit trail is broken. {fault.message}", _LOOK)


def totals_of_late() -> Iterator[Finding]:
    """Whether the last hundred executions add up to their model calls."""
    ended = WorkflowExecution.objects.filter(finished_at__isnull=False).order_by("-finished_at")
    late = list(ended[:_OF_LATE])
    calls = ModelCall.objects.filter(
        origin__in=[one.origin for one in late], settled_at__isnull=False
    )
    counted = {
        row["origin"]: (row["calls"], row["cost"])
        for row in calls.order_by()
        .values("origin")
        .annotate(calls=Count("id"), cost=Coalesce(Sum("cost_nano_usd"), 0))
    }
    wrong = [
        one
        for one in late
        if counted.get(one.origin, (0, 0)) != (one.call_count, one.cost_nano_usd)
    ]
    if wrong:
        yield broken(
            f"{len(wrong)} of the last {len(late)} executions {pluralize(wrong, 'does,do')} not add"
            f" up, as {wrong[0].id}.",
            "manage.py reconcile names all that differ.",
        )
