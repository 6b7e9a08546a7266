"""What a look at the trail found."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


class Broken(Exception):
    """The trail is not what it was. `seq` is the number of the first row to blame, where it has
    one; `entry_id` its id, where it is there.

    `fault` is "edited", "moved", "missing", "inserted", "rewritten" (other rows in their place),
    "blanked" (by no erasure), "forged" (a checkpoint that nobody signed), "unreadable" (one that is
    none), "headless" or, of an export, "unsigned".
    """

    def __init__(
        self, fault: str, message: str, seq: int | None = None, entry_id: UUID | str | None = None
    ) -> None:
        self.fault, self.message, self.seq, self.entry_id = fault, message, seq, entry_id
        super().__init__(message)


def edited(
    name: str, why: str, seq: int | None = None, entry_id: UUID | str | None = None
) -> Broken:
    return Broken("edited", f"{name} was edited, or put there: {why}.", seq, entry_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`entries` have a number, `unsealed` are to get one within a second. `erased` counts the rows
    whose personal part was blanked, as allowed, `untold` those of them that no erasure tells of, as
    when somebody blanked them by SQL; `checkpoints` all that were compared, `outside` those of them
    that were kept outside the database; `unguarded` names the triggers that are gone.
    """

    entries: int = 0
    erased: int = 0
    untold: int = 0
    unsealed: int = 0
    checkpoints: int = 0
    outside: int = 0
    head_seq: int = 0
    head_seal: str = ""
    unguarded: tuple[str, ...] = ()
    broken: Broken | None = None

    @property
    def ok(self) -> bool:
        return self.broken is None

    @property
    def bad_seq(self) -> int | None:
        return self.broken.seq if self.broken else None

    @property
    def fault(self) -> str:
        return self.broken.fault if self.broken else ""

    @property
    def message(self) -> str:
        return self.broken.message if self.broken else ""

    def to_json(self) -> dict[str, Any]:
        known = {name: getattr(self, name) for name in self.__slots__ if name != "broken"}
        bad_id = self.broken.entry_id if self.broken else None
        return {
            "ok": self.ok,
            "fault": self.fault,
            "message": self.message,
            "bad_seq": self.bad_seq,
            "bad_id": str(bad_id) if bad_id else None,
            **known,
        }
