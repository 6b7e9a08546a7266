"""What became of each node of an imported workflow."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from core.limits import RunLimits

CARRIED, APPROXIMATED, LEFT_OUT = "carried", "approximated", "left_out"
_MOST_NOTES, _LONGEST_NOTE = 50, 500
_MORE = "There is more that is not told here."


@dataclass(slots=True)
class NodeReport:
    """`became` are the ids of our nodes; `notes` say what is different or missing."""

    id: str
    type: str
    title: str
    became: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    outcome: str = CARRIED

    def note(self, text: str) -> None:
        told = text[:_LONGEST_NOTE]
        if told not in self.notes and len(self.notes) <= _MOST_NOTES:
            self.notes.append(told if len(self.notes) < _MOST_NOTES else _MORE)
        if self.outcome == CARRIED:
            self.outcome = APPROXIMATED

    def leave_out(self, reason: str) -> None:
        self.note(reason)
        self.outcome = LEFT_OUT

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Imported:
    """A workflow read from a file: what to make, where it came from, what became of its nodes.

    `notes` say what is different or missing of the whole.
    """

    source: str
    name: str
    description: str
    graph: Mapping[str, Any]
    nodes: tuple[NodeReport, ...]
    limits: RunLimits = RunLimits()
    notes: tuple[str, ...] = ()

    def report(self) -> dict[str, Any]:
        nodes = [node.to_json() for node in self.nodes]
        return {"source": self.source, "notes": list(self.notes), "nodes": nodes}


class Unreadable(ValueError):
    """The file is not of any format known here; the text says why."""
