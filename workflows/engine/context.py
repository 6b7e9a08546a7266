"""The one state container of a run: who it is for, what it has, and whom it tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from llms.messages import ChatMessage
from workflows.definition.graph import GraphDefinition
from workflows.engine.events import Event


class Reply(Protocol):
    """What a model answered."""

    @property
    def text(self) -> str: ...
    @property
    def finish_reason(self) -> str: ...
    @property
    def tool_calls(self) -> Sequence[Mapping[str, Any]]:
        """`{id, name, args}` each."""
        ...


class ToolReply(Protocol):
    """What a tool answered, or why it did not: `told` is for the model, `error` a stable code.

    `text` and `data` are what it found, `message` says what went wrong.
    """

    @property
    def told(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def data(self) -> Any: ...
    @property
    def error(self) -> str: ...
    @property
    def message(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a node asks of a model; `model` is "provider:model", or empty for the default."""

    node: str
    visit: int
    call: int
    purpose: str
    model: str
    messages: Sequence[ChatMessage]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    tools: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ToolQuestion:
    """What a node asks of a tool; `by_node` when it asks for itself and not for a model."""

    node: str
    visit: int
    call: int
    tool: str
    arguments: Any
    timeout_s: float | None = None
    by_node: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """The conversation before this run, oldest first; `summary` covers turns up to `through`."""

    messages: Sequence[ChatMessage] = ()
    turns: Sequence[int] = ()  # the turn of each message
    summary: str = ""
    through: int = 0


class Services(Protocol):
    """What a node may ask of the world; answers are recorded, so a replay gets the same ones."""

    async def ask(self, question: Question) -> Reply:
        """Ask a model. Raises NodeError."""
        ...

    async def call_tool(self, question: ToolQuestion) -> ToolReply:
        """Call a tool; what goes wrong is an answer."""
        ...

    async def history(self) -> History: ...

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        """Return when `seconds` have passed since this node first asked, in whatever process."""
        ...


class Log(Protocol):
    """Where events go."""

    def emit(self, event: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """Everything one run knows. `graph` is bound: its parameters stand in their places.

    `max_steps` bounds the steps of the graph: what runs at the same time is one step.
    """

    execution_id: UUID
    attempt: int
    graph: GraphDefinition
    input: Mapping[str, Any]
    parameters: Mapping[str, Any]
    services: Services
    log: Log
    max_steps: int = 1_000
