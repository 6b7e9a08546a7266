"""Whether what is kept is kept as it should be: old rows, secrets, the audit trail."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

from audit.checkpoints import Checkpoint, checkpoints_in
from audit.guards import missing_guards
from audit.links import check_tail, legible
from audit.models import AuditCheckpoint, AuditHead
from audit.verdict import Broken
from audit.verification import verify
from core.retention import retentions
from core.secrets import EncryptedTextField, Sealed
from security.compliance.check import Finding, Status, judged

_TAIL = 1_000
_MOST_ROWS = 2_000
_GRACE = timedelta(days=1)  # it goes once an hour; who was off for a day is not at fault
_TOKEN = "gAAAA"  # how what is encrypted begins  # noqa: S105


def retention(thorough: bool) -> Finding:
    """Nothing is older than settings allow."""
    late, kept = {}, []
    for one in retentions():
        before = one.before()
        if before is None:
            kept.append(one.kind)
            continue
        late[one.kind] = sum(one.sweep(before - _GRACE, True))
    evidence = {"older_than_allowed": late, "kept_for_good": kept}
    if any(late.values()):
        return Finding(Status.WARN, "Rows are older than settings allow.", evidence)
    return Finding(Status.PASS, "Nothing is older than settings allow.", evidence)


def secrets_at_rest(thorough: bool) -> Finding:
    """Secrets are not to be read in the database, and can be by the server."""
    counts: dict[str, int] = {}
    faults: list[str] = []
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                name = f"{model._meta.label}.{field.name}"
                rows = _raw(model, str(field.column))
                counts[name] = len(rows)
                faults += [f"{name} of {pk} is plain" for pk, raw in rows if raw[:5] != _TOKEN]
                lost = [pk for pk, raw in rows if _lost(raw)]
                faults += [f"{name} of {pk} cannot be read" for pk in lost]
    evidence = {"secrets": counts, "faults": faults[:20], "fault_count": len(faults)}
    if not any(counts.values()):
        return Finding(Status.NOT_CHECKED, "There are no secrets.", evidence)
    return judged(
        faults, "Secrets are encrypted, and can be read.", "Secrets are at fault.", evidence
    )


def _raw(model: Any, column: str) -> list[tuple[Any, str]]:
    name = connection.ops.quote_name
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {name(key)}, {name(column)} FROM {name(table)} "  # noqa: S608 - our names
            f"WHERE {name(column)} <> '' LIMIT {_MOST_ROWS}"
        )
        return list(cursor.fetchall())


def _lost(raw: str) -> bool:
    return raw[:5] == _TOKEN and not Sealed(raw).is_readable


def audit_trail(thorough: bool) -> Finding:
    """The whole chain, or else its tail and the guards of its tables."""
    unguarded = missing_guards(connection)
    if thorough:
        verdict = verify(_outside())
        evidence = {**verdict.to_json(), "unguarded": unguarded}
        good, faults = "The audit trail is whole.", [verdict.message] if not verdict.ok else []
    else:
        evidence, faults = _legible_tail()
        evidence["unguarded"] = unguarded
        good = f"The last {evidence['entries']} entries of the audit trail are whole."
    if faults:
        return Finding(Status.FAIL, f"The audit trail is broken. {faults[0]}", evidence)
    if unguarded:
        return Finding(Status.WARN, "The database lacks guards of the audit trail.", evidence)
    if not evidence["entries"]:
        return Finding(Status.NOT_CHECKED, "The audit trail has no sealed entry yet.", evidence)
    return Finding(Status.PASS, good, evidence)


def _outside() -> Iterator[Checkpoint | None]:
    """The checkpoints that are kept outside the database, if there are any."""
    path = Path(settings.AUDIT_CHECKPOINTS) if settings.AUDIT_CHECKPOINTS else None
    return checkpoints_in(path) if path and path.is_file() else iter(())


def _legible_tail() -> tuple[dict[str, Any], list[str]]:
    evidence: dict[str, Any] = {"entries": 0}
    try:
        with legible(Broken("edited", "A row cannot be read; manage.py verify_audit names it.")):
            _look_at_tail(evidence)
    except Broken as broken:
        return evidence, [broken.message]
    return evidence, []


def _look_at_tail(evidence: dict[str, Any]) -> None:
    """Adds what it saw. Raises Broken."""
    # First of all, for meanwhile more may be sealed.
    checkpoint = AuditCheckpoint.objects.order_by("-seq").first()
    head = AuditHead.objects.filter(pk=1).values_list("seq", flat=True).first()
    evidence["last_checkpoint"] = checkpoint.seq if checkpoint else None
    evidence["checkpoint_at"] = checkpoint.at.isoformat() if checkpoint else None
    evidence["entries"], last = check_tail(_TAIL)
    evidence["last"] = last
    if head is None:
        raise Broken("headless", "The head is gone.")
    if last < max(head, checkpoint.seq if checkpoint else 0):
        raise Broken("missing", f"Row {last + 1} is not there.", last + 1)
