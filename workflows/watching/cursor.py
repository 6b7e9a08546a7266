"""Where a client was in the log when it was cut off."""

import re
from dataclasses import dataclass, field
from uuid import UUID

from core.errors import Invalid
from workflows.watching.positions import IN_A_CURSOR

_ONE = re.compile(r"(?P<execution>[0-9a-fA-F-]{32,36}):(?P<seq>\d{1,9})")
_MOST = 100


class BadCursor(Invalid):
    code = "bad_cursor"
    message = "'{cursor}' is no place in a log: <execution>:<number>, and more after commas."


@dataclass(frozen=True, slots=True)
class Cursor:
    """`after`: the number of the last event the client had of the one execution it watches.

    `seen`: the same by execution, where it watches several. `exact`: all that was open or had ended
    lately is in it. Otherwise what is under way besides is sent from its first event, as is all
    that began later. `full`: there was no room for more, so what lacks may have been open.
    """

    after: int = 0
    seen: dict[UUID, int] = field(default_factory=dict)
    exact: bool = False
    full: bool = False


def read_cursor(text: str) -> Cursor:
    """That of `Positions.cursor`. Raises BadCursor."""
    if not text:
        return Cursor()
    seen: dict[UUID, int] = {}
    for part in text.split(",")[:_MOST]:
        found = _ONE.fullmatch(part.strip())
        if found is None:
            raise BadCursor(cursor=text[:100])
        try:
            seen[UUID(found["execution"])] = int(found["seq"])
        except ValueError as error:
            raise BadCursor(cursor=text[:100]) from error
    return Cursor(seen=seen, exact=True, full=len(seen) >= IN_A_CURSOR)
