"""Walks the chain and names the first row that is not what it was."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import DataError, OperationalError, connection
from django.db.models import Exists, OuterRef

from audit.chain import GENESIS, HASHED, hash_of, personal_digest, seal_of
from audit.checkpoints import Checkpoint, as_checkpoint
from audit.compared import Compared
from audit.guards import missing_guards
from audit.keys import sealing_keys
from audit.models import AuditCheckpoint, AuditEntry, AuditHead, UnsealedEntry
from audit.querysets import AuditEntryQuerySet
from audit.signatures import public_keys
from audit.verdict import Broken, Verdict, edited

_ERASURE = "privacy.user.erased"  # its detail tells how many rows of each table it changed
_COLUMNS = (*HASHED, "personal", "hash", "seq", "seal")
_CHUNK = 1000
_UNREADABLE = (ValueError, TypeError, AttributeError, DataError, OperationalError)

Row = Mapping[str, Any]


def verify(outside: Iterable[Checkpoint | None] = ()) -> Verdict:
    """Check every entry against its hash, its neighbours, the head and all signed checkpoints.

    `outside` are checkpoints that were kept elsewhere than in this database; without any, a tail
    that was cut off together with its checkpoints is not seen. Needs the keys of the installation.
    One pass; memory grows with the number of checkpoints alone. Entries may be added meanwhile.
    """
    walk = _Walk(outside)
    try:
        walk.run()
    except Broken as broken:
        # Its frames hold rows that are still being read, for longer than there is a connection.
        return walk.verdict(broken.with_traceback(None))
    return walk.verdict()


@contextmanager
def legible(otherwise: Broken) -> Iterator[None]:
    """Raises `otherwise` for what is there and cannot be read: it is not what was written."""
    try:
        yield
    except _UNREADABLE as error:
        _refuse_others(error)
        raise otherwise from error


def _refuse_others(error: Exception) -> None:
    """SQLite says of a text that is none what others say of a lost connection."""
    if isinstance(error, OperationalError) and "decode" not in str(error):
        raise error


class _Walk:
    def __init__(self, outside: Iterable[Checkpoint | None]) -> None:
        self.entries = self.erased = self.untold = self.unsealed = 0
        self.head = _head()
        self.seq, self.seal = 0, GENESIS  # of the row before
        self.checkpoints = Compared(public_keys())
        self._outside = outside
        self._keys = sealing_keys()

    def verdict(self, broken: Broken | None = None) -> Verdict:
        return Verdict(
            entries=self.entries,
            erased=self.erased,
            untold=self.untold,
            unsealed=self.unsealed,
            checkpoints=self.checkpoints.count,
            outside=self.checkpoints.outside,
            head_seq=self.head[0] if self.head else 0,
            head_seal=self.head[1] if self.head else "",
            unguarded=tuple(missing_guards(connection)),
            broken=broken,
        )

    def run(self) -> None:
        if self.head is None:
            message = "The head is gone, or cannot be read: the end of the chain is unknown."
            raise Broken("headless", message)
        self.checkpoints.add(self._outside, outside=True)
        self.checkpoints.add(_noted())
        for row in _sealed():
            self._check(row)
            self.seq, self.seal = row["seq"], row["seal"]
            self.entries += 1
        self._check_end(self.head[0])
        for row in _rows(_unsealed(), "id"):
            self._check_content(row, f"The unsealed row {row['id']}" if row else "An unsealed row")
            self.unsealed += 1
        self._check_queue()
        self.checkpoints.check_readable()
        self.untold = max(self.erased - _blanked_by_erasures(), 0)

    def _check(self, row: Row) -> None:
        self._check_number(row)
        seq = row["seq"]
        self._check_content(row, f"Row {seq}")
        seals = {seal_of(self.seal, seq, row["hash"], key) for key in self._keys}
        if row["seal"] not in seals:
            raise Broken("moved", f"Row {seq} does not seal the one before it.", seq)
        if self.head and seq == self.head[0] and row["seal"] != self.head[1]:
            raise Broken("rewritten", f"Row {seq} is not the one the head names.", seq)
        self.checkpoints.check(seq, row["seal"])

    def _check_number(self, row: Row) -> None:
        expected = self.seq + 1
        if not row:
            raise edited(f"Row {expected}", "its columns cannot be read", expected)
        seq = row["seq"]
        if not isinstance(seq, int):
            raise edited(f"Row {expected}", "its number is none", expected, row["id"])
        if seq < expected:
            raise Broken("inserted", f"Row {seq} was inserted: the chain begins at 1.", seq)
        if seq > expected:
            message = f"Row {expected} was deleted; the next one is {seq}."
            raise Broken("missing", message, expected)

    def _check_content(self, row: Row, name: str) -> None:
        if not row:
            raise edited(name, "its columns cannot be read")
        seq, pk = row["seq"], row["id"]
        with legible(edited(name, "its columns cannot be read", seq, pk)):
            hashes = {hash_of(row, key) for key in self._keys}
        if row["hash"] not in hashes:
            raise edited(name, "its content does not match its hash", seq, pk)
        if row["personal"] is None:
            self.erased += bool(row["personal_hash"])
        elif personal_digest(row["personal"]) != row["personal_hash"]:
            raise edited(name, "its personal part does not match its hash", seq, pk)

    def _check_queue(self) -> None:
        lost = _unsealed().filter(unsealed__isnull=True).order_by("id").first()
        if lost is not None:
            message = (
                f"The unsealed row {lost.pk} would never be sealed: it no longer waits for it."
            )
            raise Broken("missing", message, entry_id=lost.pk)
        waiting = UnsealedEntry.objects.order_by("pk")
        again = waiting.filter(entry__sealed__isnull=False).values("entry_id", "entry__sealed__seq")
        for one in again[:1]:
            seq = one["entry__sealed__seq"]
            message = f"Row {seq} is to be sealed again: from now on nothing would be sealed."
            raise Broken("inserted", message, seq, one["entry_id"])
        if waiting.filter(~Exists(AuditEntry.objects.filter(pk=OuterRef("entry_id")))).exists():
            raise Broken("inserted", "What is to be sealed is no entry, or one that was deleted.")

    def _check_end(self, head_seq: int) -> None:
        if self.seq < head_seq:
            first = self.seq + 1
            message = f"Rows {first} to {head_seq} were deleted from the end."
            raise Broken("missing", message, first)
        if self.seq > head_seq:  # added since we began, or behind the head's back
            known = (_head() or (0, ""))[0]
            if self.seq > known:
                message = f"Row {known + 1} was inserted: the head ends at {known}."
                raise Broken("inserted", message, known + 1)
        self.checkpoints.check_end(self.seq)


def _head() -> tuple[int, str] | None:
    """None if it is gone, or is none."""
    try:
        head = AuditHead.objects.values_list("seq", "seal").filter(pk=1).first()
    except _UNREADABLE as error:
        _refuse_others(error)
        return None
    return head if head and (type(head[0]), type(head[1])) == (int, str) else None


def _blanked_by_erasures() -> int:
    """Read at the end, so that what was erased during the walk is told of."""
    erasures = AuditEntry.objects.filter(action=_ERASURE).values_list("detail", flat=True)
    return sum(one.get("rows", {}).get(AuditEntry._meta.label, 0) for one in erasures.iterator())


def _noted() -> Iterator[Checkpoint]:
    """The checkpoints of the database."""
    with legible(Broken("forged", "A checkpoint in the database cannot be read.")):
        for row in AuditCheckpoint.objects.order_by("seq").iterator():
            if not isinstance(row.seq, int):
                raise TypeError
            yield as_checkpoint(row)


def _unsealed() -> AuditEntryQuerySet:
    return AuditEntry.objects.filter(sealed__isnull=True)


def _sealed() -> Iterator[Row]:
    return _rows(AuditEntry.objects.filter(seq__isnull=False), "seq")


def _rows(entries: AuditEntryQuerySet, by: str) -> Iterator[Row]:
    """All of them in order; one that cannot be read any more ends them, as an empty one."""
    rows = entries.order_by(by)
    last: Any = None
    try:
        for row in rows.values(*_COLUMNS).iterator(_CHUNK):
            last = row[by]
            yield row
    except _UNREADABLE as error:  # somewhere in this chunk
        _refuse_others(error)
        later = rows if last is None else rows.filter(**{f"{by}__gt": last})
        yield from _readable_rows(later, by)
        yield {}


def _readable_rows(rows: AuditEntryQuerySet, by: str) -> Iterator[Row]:
    """The rows up to the first that cannot be read."""
    try:
        for key in rows.values_list(by, flat=True).iterator(_CHUNK):
            yield rows.values(*_COLUMNS).get(**{by: key})
    except _UNREADABLE as error:
        _refuse_others(error)
