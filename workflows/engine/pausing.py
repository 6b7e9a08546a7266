"""A run that stops until a person has decided: what is asked, what comes back, how it stops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from langgraph.types import interrupt

APPROVED, REJECTED, EXPIRED = "approved", "rejected", "expired"


@dataclass(frozen=True, slots=True)
class ApprovalQuestion:
    """What a node asks of people; without `approvers`, of the owner of the run.

    `form` is the JSON schema of the answer, `deadline_s` counts from when it is first asked.
    """

    node: str
    visit: int
    question: str
    shown: str
    form: Mapping[str, Any] | None = None
    approvers: Sequence[str] = ()
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How it ended: APPROVED, REJECTED, or EXPIRED when nobody decided in time."""

    decision: str
    answer: Any = None
    comment: str = ""
    by: str = ""


class RunPaused(Exception):
    """The graph went as far as it can; the run goes on when somebody has decided."""


def pause(node: str) -> NoReturn:
    """Stop the graph at this node. What runs beside it in the same step comes to its end."""
    interrupt(node)
    raise AssertionError("There is no checkpoint an interrupt could come back from.")
