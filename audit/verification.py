"""Walks the chain and names the first row that is not what it was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import DataError

from audit.chain import GENESIS, HASHED, digest, personal_digest
from audit.models import AuditEntry, AuditHead
from audit.querysets import AuditEntryQuerySet

_COLUMNS = (*HASHED, "personal", "hash")
_CHUNK = 1000
_BEFORE_ALL = -(2**63)
_UNREADABLE = (ValueError, TypeError, DataError)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk found. `bad_seq` is the first row that was tampered with.

    `fault` is "" (none), "edited", "missing", "inserted", "rewritten" or "headless", the last of
    which has no row to name. `erased` counts the rows whose personal part was blanked, as allowed.
    """

    entries: int
    erased: int
    head_seq: int
    head_hash: str
    bad_seq: int | None = None
    fault: str = ""
    message: str = ""

    @property
    def ok(self) -> bool:
        return not self.fault


def verify() -> Verdict:
    """Check every entry against its hash, its neighbours and the head; one pass, constant memory.

    Entries may be added meanwhile. What cannot be seen from inside is a chain that was rewritten
    from some row to its end, its head included: compare the head with one noted elsewhere.
    """
    walk = _Walk()
    try:
        walk.run()
    except _Broken as broken:
        return walk.verdict(*broken.args)
    return walk.verdict()


class _Broken(Exception):
    """Carries `bad_seq`, `fault` and `message`."""


class _Walk:
    def __init__(self) -> None:
        self.entries = self.erased = 0
        self.head = _head()
        self.seq, self.link = 0, GENESIS  # of the row before

    def verdict(self, *found: Any) -> Verdict:
        return Verdict(self.entries, self.erased, *(self.head or (0, "")), *found)

    def run(self) -> None:
        if self.head is None:
            raise _Broken(None, "headless", "The head is gone, so the end of the chain is unknown.")
        rows = _rows()
        row = next(rows, None)
        while row is not None:
            following = next(rows, None)
            self._check(row, following)
            self.seq, self.link = row["seq"], row["hash"]
            self.entries += 1
            row = following
        self._check_end(*self.head)

    def _check(self, row: Row, following: Row | None) -> None:
        self._check_number(row)
        if row["previous_hash"] != self.link:
            raise self._unlinked(row, following)
        if digest(row) != row["hash"]:
            raise _edited(row["seq"], "its content does not match its hash")
        self._check_personal(row)
        if self.head and row["seq"] == self.head[0] and row["hash"] != self.head[1]:
            raise _Broken(
                row["seq"], "rewritten", f"Row {row['seq']} is not the one the head names."
            )

    def _check_number(self, row: Row) -> None:
        expected = self.seq + 1
        if not row:
            raise _edited(expected, "its columns cannot be read")
        seq = row["seq"]
        if seq < expected:
            raise _Broken(seq, "inserted", f"Row {seq} was inserted: the chain begins at 1.")
        if seq > expected:
            raise _Broken(
                expected, "missing", f"Row {expected} was deleted; the next one is {seq}."
            )

    def _unlinked(self, row: Row, following: Row | None) -> _Broken:
        """Who is to blame when a row does not seal the one before it."""
        seq = row["seq"]
        if digest({**row, "seq": seq - 1}) == row["hash"]:
            return _Broken(
                seq - 1, "inserted", f"Row {seq - 1} was inserted; {seq} had its number."
            )
        honest = digest(row) == row["hash"] and self._seal(seq, following) in (None, row["hash"])
        if honest and self.seq:
            return _edited(self.seq, "the next row seals another content")
        return _edited(seq, "it does not seal the row before it")

    def _seal(self, seq: int, following: Row | None) -> str | None:
        """The hash that stands for row `seq` elsewhere, if it stands anywhere."""
        if following:
            return following["previous_hash"]
        return self.head[1] if self.head and self.head[0] == seq else None

    def _check_personal(self, row: Row) -> None:
        if row["personal"] is None:
            self.erased += bool(row["personal_hash"])
        elif personal_digest(row["personal"]) != row["personal_hash"]:
            raise _edited(row["seq"], "its personal part does not match its hash")

    def _check_end(self, head_seq: int, _: str) -> None:
        if self.seq < head_seq:
            first = self.seq + 1
            raise _Broken(
                first, "missing", f"Rows {first} to {head_seq} were deleted from the end."
            )
        if self.seq > head_seq:  # added since we began, or behind the head's back
            known = (_head() or (0, ""))[0]
            if self.seq > known:
                message = f"Row {known + 1} was inserted: the head ends at {known}."
                raise _Broken(known + 1, "inserted", message)


def _edited(seq: int, why: str) -> _Broken:
    return _Broken(seq, "edited", f"Row {seq} was edited: {why}.")


def _head() -> tuple[int, str] | None:
    return AuditHead.objects.values_list("seq", "hash").filter(pk=1).first()


def _rows() -> Iterator[Row]:
    """All entries in order; one that cannot be read any more ends them, as an empty one."""
    rows = AuditEntry.objects.order_by("seq")
    seq = _BEFORE_ALL
    try:
        for row in rows.values(*_COLUMNS).iterator(_CHUNK):
            seq = row["seq"]
            yield row
    except _UNREADABLE:  # somewhere in this chunk
        yield from _readable_rows(rows.filter(seq__gt=seq))
        yield {}


def _readable_rows(rows: AuditEntryQuerySet) -> Iterator[Row]:
    """The rows up to the first that cannot be read."""
    for seq in rows.values_list("seq", flat=True).iterator(_CHUNK):
        try:
            yield rows.values(*_COLUMNS).get(seq=seq)
        except _UNREADABLE:
            return
