"""Walks the chain and names the first row that is not what it was."""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from audit.chain import separate
from audit.checkpoints import Checkpoint, as_checkpoint
from audit.compared import Compared
from audit.guards import missing_guards
from audit.keys import sealing_keys
from audit.links import (
    UNREADABLE,
    Links,
    Row,
    check_content,
    columns_of,
    legible,
    refuse_others,
)
from audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditSeal, UnsealedGroup
from audit.querysets import AuditEntryQuerySet
from audit.signatures import public_keys
from audit.verdict import Broken, Verdict

_ERASURE = "privacy.user.erased"  # its detail tells how many rows of each table it changed
_CHUNK = 1000


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


class _Walk:
    def __init__(self, outside: Iterable[Checkpoint | None]) -> None:
        self.entries = self.erased = self.untold = self.unsealed = 0
        self.head = _head()
        self.links = Links()
        self.checkpoints = Compared(public_keys())
        self._outside = outside
        self._keys = sealing_keys()
        self._of_nothing: Broken | None = None  # a seal

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
        self._of_nothing = _seal_of_nothing()
        for row in _sealed():
            self._check_seals_until_here()
            self._check(row)
            self.entries += 1
        self._check_seals_until_here()
        self._check_end(self.head[0])
        if self._of_nothing is not None:
            raise self._of_nothing
        for row in _unsealed():
            name = f"The unsealed row {row['id']}" if row else "An unsealed row"
            check_content(row, name, self._keys)
            self._count_erased(row)
            self.unsealed += 1
        self._check_queue()
        self._check_blanked()
        self.checkpoints.check_readable()

    def _check_seals_until_here(self) -> None:
        """Raises Broken where one was passed that no entry has."""
        broken = self._of_nothing
        if broken is not None and broken.seq is not None and broken.seq <= self.links.seq:
            raise broken

    def _check(self, row: Row) -> None:
        self.links.follow(row)
        seq, seal = self.links.seq, self.links.seal
        if self.head and seq == self.head[0] and seal != self.head[1]:
            raise Broken("rewritten", f"Row {seq} is not the one the head names.", seq)
        self.checkpoints.check(seq, seal)
        self._count_erased(row)

    def _count_erased(self, row: Row) -> None:
        self.erased += row["personal"] is None and bool(row["personal_hash"])

    def _check_queue(self) -> None:
        waiting = UnsealedGroup.objects.order_by("pk")
        waits = Exists(waiting.filter(pk=OuterRef("group_id")))
        lost = AuditEntry.objects.filter(~waits, group__seq__isnull=True).order_by("id")
        for pk in lost.values_list("pk", flat=True)[:1]:
            message = f"The unsealed row {pk} would never be sealed: it no longer waits for it."
            raise Broken("missing", message, entry_id=pk)
        again = AuditSeal.objects.filter(group_id__in=waiting.values("pk")).order_by("seq").first()
        if again is not None:
            message = f"Row {again.seq} is to be sealed again: from now on nothing would be sealed."
            raise Broken("inserted", message, again.seq, again.group_id)
        with legible(Broken("edited", "What is to be sealed cannot be read.")):
            for group, told, recorded in waiting.with_entries():
                if recorded != list(enumerate(separate(told))):
                    message = (
                        f"What is to be sealed with row {group} was not recorded so: it was"
                        " changed, or entries were put there or deleted."
                    )
                    raise Broken("inserted", message, entry_id=group)

    def _check_blanked(self) -> None:
        self.untold = max(self.erased - _blanked_by_erasures(), 0)
        if self.untold:
            seq, pk = _first_unexplained()
            message = (
                f"Personal parts were blanked by no erasure that the trail tells of: {self.untold}."
                f" Row {seq or pk} is the first of which that may be."
            )
            raise Broken("blanked", message, seq, pk)

    def _check_end(self, head_seq: int) -> None:
        if self.links.seq < head_seq:
            first = self.links.seq + 1
            message = f"Rows {first} to {head_seq} were deleted from the end."
            raise Broken("missing", message, first)
        if self.links.seq > head_seq:  # added since we began, or behind the head's back
            known = (_head() or (0, ""))[0]
            if self.links.seq > known:
                message = f"Row {known + 1} was inserted: the head ends at {known}."
                raise Broken("inserted", message, known + 1)
        self.links.finish()
        self.checkpoints.check_end(self.links.seq)


def _head() -> tuple[int, str] | None:
    """None if it is gone, or is none."""
    try:
        head = AuditHead.objects.values_list("seq", "seal").filter(pk=1).first()
    except UNREADABLE as error:
        refuse_others(error)
        return None
    return head if head and (type(head[0]), type(head[1])) == (int, str) else None


def _seal_of_nothing() -> Broken | None:
    """What there is to say of the first seal that no entry has: its number would not be given."""
    entries = AuditEntry._base_manager.filter(group_id=OuterRef("group_id"))
    seals = AuditSeal.objects.filter(~Exists(entries)).order_by("seq")
    illegible = Broken("inserted", "A seal was put there that cannot be read; no entry has it.")
    try:
        with legible(illegible):
            for seq in seals.values_list("seq", flat=True)[:1]:
                if not isinstance(seq, int):
                    raise TypeError
                message = f"The seal of row {seq} was put there, or its row was deleted."
                return Broken("inserted", message, seq)
    except Broken:
        return illegible
    return None


def _blanked_by_erasures() -> int:
    """Read at the end, so that what was erased during the walk is told of."""
    erasures = AuditEntry.objects.filter(action=_ERASURE).values_list("detail", flat=True)
    return sum(one.get("rows", {}).get(AuditEntry._meta.label, 0) for one in erasures.iterator())


def _first_unexplained() -> tuple[int | None, UUID | None]:
    """Number and id of the first blank entry that is neither by nor about anybody who was erased;
    of the first blank one, if all are. What others did to what such a person owned looks the same.
    """
    told = AuditEntry.objects.filter(action=_ERASURE).values_list("target", flat=True)
    erased = {one.partition(":")[2] for one in told.iterator()}
    blank = AuditEntry.objects.filter(~Q(personal_hash=""), personal__isnull=True).order_by("id")
    first: tuple[int | None, UUID | None] = (None, None)
    for seq, pk, actor, target in blank.values_list("seq", "pk", "actor_id", "target").iterator():
        first = first if first[1] else (seq, pk)
        if not erased & {str(actor), target.partition(":")[2]}:
            return seq, pk
    return first


def _noted() -> Iterator[Checkpoint]:
    """The checkpoints of the database."""
    with legible(Broken("forged", "A checkpoint in the database cannot be read.")):
        for row in AuditCheckpoint.objects.order_by("seq").iterator():
            if not isinstance(row.seq, int):
                raise TypeError
            yield as_checkpoint(row)


def _sealed() -> Iterator[Row]:
    return _rows(lambda last: AuditEntry.objects.in_order(last["seq"] + 1 if last else 1))


def _unsealed() -> Iterator[Row]:
    rows = AuditEntry.objects.filter(group__seq__isnull=True).order_by("id")
    return _rows(lambda last: rows.filter(id__gt=last["id"]) if last else rows)


def _rows(after: Callable[[Row | None], AuditEntryQuerySet]) -> Iterator[Row]:
    """All of them in order; one that cannot be read any more ends them, as an empty one."""
    last: Row | None = None
    try:
        for row in columns_of(after(last)).iterator(_CHUNK):
            yield row
            last = row
    except UNREADABLE as error:  # somewhere in this chunk
        refuse_others(error)
        yield from _readable_rows(after(last))
        yield {}


def _readable_rows(entries: AuditEntryQuerySet) -> Iterator[Row]:
    """The rows up to the first that cannot be read."""
    try:
        for pk in entries.values_list("pk", flat=True).iterator(_CHUNK):
            yield columns_of(AuditEntry.objects.filter(pk=pk)).first() or {}
    except UNREADABLE as error:
        refuse_others(error)
