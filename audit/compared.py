"""Compares a chain with signed notes of what it was."""

from collections.abc import Iterable
from datetime import datetime

from audit.checkpoints import Checkpoint
from audit.verdict import Broken


class Compared:
    """Filled by `add`, asked with `check` for each number in turn, then with `check_end`, and last
    of all with `check_readable`.
    """

    def __init__(self, public_keys: Iterable[str]) -> None:
        self._public_keys = tuple(public_keys)
        self._seals: dict[int, str] = {}
        self._noted_at: dict[int, datetime] = {}
        self._agreed = 0  # the last number at which chain and checkpoint are the same
        self._unreadable = 0
        self.outside = 0

    @property
    def count(self) -> int:
        return len(self._seals)

    def add(self, checkpoints: Iterable[Checkpoint | None], *, outside: bool = False) -> None:
        """Raises Broken for one that no known key signed, and for two of one row that differ."""
        for one in checkpoints:
            if one is None:
                self._unreadable += 1
                continue
            if not one.signed_by(self._public_keys):
                message = f"The checkpoint of row {one.seq} is signed by no known key."
                raise Broken("forged", message, one.seq)
            if self._seals.setdefault(one.seq, one.seal) != one.seal:
                message = f"Two checkpoints of row {one.seq} differ: there were two chains."
                raise Broken("rewritten", message, one.seq)
            self._noted_at.setdefault(one.seq, datetime.fromisoformat(one.at))
            self.outside += outside

    def check(self, seq: int, seal: str) -> None:
        noted = self._seals.get(seq)
        if noted is None:
            return
        if noted != seal:
            first = self._agreed + 1
            message = f"Rows were rewritten between {first} and {seq}: a checkpoint knows others."
            raise Broken("rewritten", message, first)
        self._agreed = seq

    def check_end(self, last: int, written_at: str = "") -> None:
        """`last` is the number of the last row; what was noted after `written_at` may know more."""
        until = datetime.fromisoformat(written_at) if written_at else None
        known = (seq for seq, at in self._noted_at.items() if until is None or at <= until)
        noted = max(known, default=0)
        if noted > last:
            message = (
                f"Rows {last + 1} to {noted} were deleted from the end, and the head set back."
            )
            raise Broken("missing", message, last + 1)

    def check_readable(self) -> None:
        """Raises Broken where a line was no checkpoint: part of one, or anything at all."""
        if self._unreadable:
            message = (
                "The file of checkpoints has lines that cannot be read:"
                f" {self._unreadable}. Nothing else was found."
            )
            raise Broken("unreadable", message)
