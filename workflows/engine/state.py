"""The state of a run: typed, with a reducer for each key, so that branches cannot collide."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from core.json_values import number
from llms.messages import ChatMessage

SET, APPEND, ADD = "set", "append", "add"
_MOST = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Memory:
    """What models are to see of the conversation: a summary up to turn `through`, and messages."""

    messages: Sequence[ChatMessage] = ()
    summary: str = ""
    through: int = 0


@dataclass(frozen=True, slots=True)
class Passed:
    """What a node left behind; `port` is None when no edge into it was taken.

    `memory` is what models behind it are to see of the conversation; `dialogue` is what a model and
    its tools have said to one another since it was asked.
    """

    port: str | None
    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    visit: int = 0
    memory: Memory | None = None
    dialogue: Sequence[ChatMessage] = ()


def remembered(passed: Iterable[Passed]) -> Memory | None:
    """Of what came together here, the memory that holds most."""
    memories = [one.memory for one in passed if one.memory is not None]
    return max(memories, key=lambda one: (len(one.messages), one.through), default=None)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a variable, as an operation, so that parallel changes add up."""

    name: str
    operation: str
    value: Any


def merge(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Each node writes its own key."""
    return left | right


def apply_changes(
    variables: Mapping[str, Any], changes: Mapping[str, Any] | Sequence[Change]
) -> dict[str, Any]:
    """The variables after these changes; a mapping replaces them (the start of a run).

    Any change fits any variable: each node saw to it, but not to what others changed meanwhile.
    """
    if isinstance(changes, Mapping):
        return dict(changes)
    after = dict(variables)
    for change in changes:
        before = after.get(change.name)
        if change.operation == APPEND:
            items = before if isinstance(before, list) else [] if before is None else [before]
            after[change.name] = [*items, change.value]
        elif change.operation == ADD:
            after[change.name] = _sum(before, change.value)
        else:
            after[change.name] = change.value
    return after


def _sum(before: Any, more: float) -> float:
    """What is no number counts as 0, and the sum stays within what a number can be."""
    known = before if isinstance(before, int | float) and not isinstance(before, bool) else 0
    return number(max(-_MOST, min(known + more, _MOST)))


class RunState(TypedDict):
    """`nodes` by node id; `variables` by name."""

    nodes: Annotated[dict[str, Passed], merge]
    variables: Annotated[dict[str, Any], apply_changes]
