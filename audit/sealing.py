"""Numbers new entries and chains them, within a second, without making their writers wait."""

from django.db import connection, transaction

from audit.chain import seal_of, separate
from audit.keys import sealing_keys
from audit.models import AuditHead, AuditSeal, UnsealedGroup
from core.bulk import insert_rows, is_empty, take_rows, update_rows

_AT_ONCE = 2_000  # groups


class HeadMissing(RuntimeError):
    """The chain has no head: the table was never migrated, or someone removed it."""


def seal_entries() -> int:
    """Seal all entries that are committed, by group, in the order of their ids; returns how many.

    What is sealed no longer waits: both are one transaction. Any number of processes may ask: the
    head is locked until each part commits, and whoever comes meanwhile leaves it to the other.
    Raises HeadMissing.
    """
    sealed = 0
    while not is_empty(UnsealedGroup):
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
    before, seals = head.seq, []
    for group in take_rows(UnsealedGroup, _AT_ONCE):
        first, count = head.seq + 1, len(separate(group["hashes"]))
        head.seq, head.seal = head.seq + count, seal_of(head.seal, first, group["hashes"], key)
        hashes = group["hashes"] if count > 1 else ""
        seal = {"seq": first, "group_id": group["group_id"], "hashes": hashes, "seal": head.seal}
        seals.append(seal)
    insert_rows(AuditSeal, seals)
    update_rows(AuditHead, [{"id": head.pk, "seq": head.seq, "seal": head.seal}])
    return head.seq - before


def _locked_head() -> AuditHead | None:
    """None while another seals."""
    heads = AuditHead.objects.filter(pk=1)
    skip = connection.features.has_select_for_update_skip_locked
    head: AuditHead | None = heads.select_for_update(skip_locked=skip).first()
    if head is None and not heads.exists():
        raise HeadMissing("The audit chain has no head; see `manage.py verify_audit`.")
    return head
