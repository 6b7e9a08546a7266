"""An event as watchers get it: one JSON text, made once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from workflows.engine.events import TERMINAL_TYPES, Event

_OVER = frozenset(TERMINAL_TYPES.values())


@dataclass(frozen=True, slots=True)
class Frame:
    """`text` is the JSON `{execution, seq, type, at, data}`, without line breaks.

    In a log that was pruned, also `pruned`: so many events just before this one are kept no more.
    """

    execution_id: UUID
    seq: int
    type: str
    text: str
    pruned: int = 0

    @property
    def last(self) -> bool:
        """Whether no event follows."""
        return self.type in _OVER

    def event(self) -> dict[str, Any]:
        return orjson.loads(self.text)


def frame(
    execution_id: UUID, seq: int, kind: str, at: datetime, data: Event | Mapping[str, Any]
) -> Frame:
    body = {"execution": execution_id, "seq": seq, "type": kind, "at": at, "data": data}
    return Frame(execution_id, seq, kind, orjson.dumps(body).decode())


def frame_from(text: str) -> Frame:
    """A frame read back from the log."""
    event = orjson.loads(text)
    taken = event.get("pruned", 0)
    return Frame(UUID(event["execution"]), event["seq"], event["type"], text, taken)


def group_of(what: UUID | str) -> str:
    """The bell's group for an execution or a series; letters, digits and dots only."""
    return f"execution.{what}" if isinstance(what, UUID) else what.replace(":", ".")


def group_of_user(user_id: UUID) -> str:
    """The bell's group for all executions of a user."""
    return f"user.{user_id}"
