"""Numbers new entries and chains them, within a second, without making their writers wait."""

from django.db import connection, transaction

from audit.chain import seal_of
from audit.keys import sealing_keys
from audit.models import AuditEntry, AuditHead
from audit.querysets import AuditEntryQuerySet
from core.bulk import update_rows

_AT_ONCE = 2_000


class HeadMissing(RuntimeError):
    """The chain has no head: the table was never migrated, or someone removed it."""


def seal_entries() -> int:
    """Seal all entries that are committed, in the order of their ids; returns how many.

    Any number of processes may ask: the head is locked until each part commits, and whoever comes
    meanwhile leaves it to the other. Raises HeadMissing.
    """
    sealed = 0
    while _unsealed().exists():
        part = _seal_some()
        sealed += part
        if part < _AT_ONCE:
            break
    return sealed


@transaction.atomic
def _seal_some() -> int:
    head = _locked_head()
    if head is None:
        return 0
    key = sealing_keys()[0]
    rows = []
    for pk, entry_hash in _unsealed().values_list("id", "hash")[:_AT_ONCE]:
        head.seq += 1
        head.seal = seal_of(head.seal, head.seq, entry_hash, key)
        rows.append({"id": pk, "seq": head.seq, "seal": head.seal})
    update_rows(AuditEntry, rows)
    update_rows(AuditHead, [{"id": head.pk, "seq": head.seq, "seal": head.seal}])
    return len(rows)


def _locked_head() -> AuditHead | None:
    """None while another seals."""
    heads = AuditHead.objects.filter(pk=1)
    skip = connection.features.has_select_for_update_skip_locked
    head: AuditHead | None = heads.select_for_update(skip_locked=skip).first()
    if head is None and not heads.exists():
        raise HeadMissing("The audit chain has no head; see `manage.py verify_audit`.")
    return head


def _unsealed() -> AuditEntryQuerySet:
    return AuditEntry.objects.filter(seq__isnull=True).order_by("id")
