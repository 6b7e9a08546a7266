"""The one way out of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.engine.state import Memory


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What the graph produced: its end nodes' text, its variables, what is to be remembered."""

    text: str
    variables: Mapping[str, Any]
    memory: Memory | None
