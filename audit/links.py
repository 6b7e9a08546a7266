"""Holds entries, as they come by number, against their hashes and the seals of their groups."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DataError, OperationalError
from django.db.models import Case, F, QuerySet, When

from audit.chain import (
    GENESIS,
    HASHED,
    canonical,
    hash_of,
    joined,
    personal_digest,
    seal_of,
    separate,
)
from audit.keys import sealing_keys
from audit.models import AuditEntry, AuditSeal
from audit.querysets import AuditEntryQuerySet
from audit.verdict import Broken, edited

UNREADABLE = (
    *(ValueError, TypeError, AttributeError, OverflowError, RecursionError),
    *(DataError, OperationalError),
)
_COLUMNS = (*HASHED, "personal", "hash", "group_id", "position", "seq", "seal")
_NUMBERS = ("first", "position", "seq")
# What is no number, or endless, is hashed like null.
_FINITE = json.JSONEncoder(allow_nan=False)

Row = Mapping[str, Any]


@contextmanager
def legible(otherwise: Broken) -> Iterator[None]:
    """Raises `otherwise` for what is there and cannot be read: it is not what was written."""
    try:
        yield
    except UNREADABLE as error:
        refuse_others(error)
        raise otherwise from error


def refuse_others(error: Exception) -> None:
    """SQLite says of a text that is none what others say of a lost connection."""
    if isinstance(error, OperationalError) and "decode" not in str(error):
        raise error


def columns_of(entries: AuditEntryQuerySet) -> QuerySet[AuditEntry, Row]:
    """What `Links` wants to know; the first of a group tells what was sealed."""
    hashes = Case(When(position=0, then=F("group__hashes")))
    return entries.values(*_COLUMNS, first=F("group__seq"), hashes=hashes)


def check_content(row: Row, name: str, keys: Sequence[bytes]) -> None:
    """Raises Broken for an entry that does not match its hash, or whose personal part does not."""
    if not row:
        raise edited(name, "its columns cannot be read")
    seq, pk = row["seq"], row["id"]
    with legible(edited(name, "its columns cannot be read", seq, pk)):
        _refuse_endless(row["detail"])
        _refuse_endless(row["personal"])
        hashes = {hash_of(row, key) for key in keys}
        personal = personal_digest(row["personal"])
    if row["hash"] not in hashes:
        raise edited(name, "its content does not match its hash", seq, pk)
    if row["personal"] is not None and personal != row["personal_hash"]:
        raise edited(name, "its personal part does not match its hash", seq, pk)


def _refuse_endless(value: Any) -> None:
    """Raises ValueError for a number that JSON cannot hold."""
    if b"null" in canonical(value):
        _FINITE.encode(value)


class Links:
    """The chain as far as it was followed: `seq` is the number of the last entry, `seal` its seal.

    Nothing is known of the seal of a group until all of it was followed.
    """

    def __init__(self, seq: int = 0, seal: str = GENESIS) -> None:
        self.seq, self.seal = seq, seal
        self._keys = sealing_keys()
        self._before = seal  # of the group before
        self._hashes: list[str] = []  # of the group
        self._first = seq + 1  # its number

    def follow(self, row: Row) -> None:
        """Go on to the next entry. Raises Broken for one that is not what was sealed there."""
        number = self.seq + 1
        self._check_number(row, number)
        if row["first"] == number:
            self.finish()
        if self._is_whole():
            self._begin(row)
        check_content(row, f"Row {number}", self._keys)
        told = self._hashes[number - self._first]
        if (row["hash"], row["seal"]) != (told, self.seal):
            raise Broken("moved", f"Row {number} is not the one that was sealed.", number)
        self.seq = number
        if self._is_whole():
            self._check_seal()

    def finish(self) -> None:
        """The group ends. Raises Broken if it is not whole."""
        if not self._is_whole():
            self._check_seal()  # for it may tell of more than there ever were
            number = self.seq + 1
            message = f"Row {number} was deleted from the end of its group."
            raise Broken("missing", message, number)

    def _is_whole(self) -> bool:
        return self.seq == self._first + len(self._hashes) - 1

    def _check_number(self, row: Row, number: int) -> None:
        if not row:
            raise edited(f"Row {number}", "its columns cannot be read", number)
        seq = row["seq"]
        if not all(isinstance(row[name], int) for name in _NUMBERS):
            raise edited(f"Row {number}", "its number is none", number, row["id"])
        if seq < number:
            raise Broken("inserted", f"Row {seq} was inserted.", seq)
        if seq > number:
            raise Broken("missing", f"Row {number} was deleted; the next one is {seq}.", number)

    def _begin(self, row: Row) -> None:
        seq = row["seq"]
        if row["position"]:
            raise Broken("inserted", f"Row {seq} was inserted: its group ends before it.", seq)
        if row["group_id"] != row["id"]:
            raise edited(f"Row {seq}", "its group has another name", seq, row["id"])
        self._before, self.seal, self._first = self.seal, row["seal"], seq
        with legible(edited(f"Row {seq}", "its seal cannot be read", seq, row["id"])):
            self._hashes = separate(row["hashes"] or row["hash"])

    def _check_seal(self) -> None:
        hashes, first = joined(self._hashes), self._first
        if self.seal not in {seal_of(self._before, first, hashes, key) for key in self._keys}:
            raise Broken("moved", f"Row {first} does not seal the one before it.", first)


def check_tail(entries: int) -> tuple[int, int]:
    """Follow at least the last so many, from where a group begins; returns how many they were, and
    the last number.

    Raises Broken. Nothing before them is looked at.
    """
    with legible(Broken("edited", "A row cannot be read; manage.py verify_audit names it.")):
        seals = AuditSeal.objects.order_by("-seq")
        last = seals.values_list("seq", flat=True).first() or 0
        begun = seals.filter(seq__lte=last - entries + 1).values_list("seq", "seal")[:2]
        first, before = (begun[0][0], begun[1][1]) if len(begun) > 1 else (1, GENESIS)
        links = Links(first - 1, before)
        for row in columns_of(AuditEntry.objects.in_order(first)):
            links.follow(row)
        links.finish()
        if links.seq < last:
            raise Broken("missing", f"Row {links.seq + 1} is not there.", links.seq + 1)
        return links.seq - first + 1, links.seq
