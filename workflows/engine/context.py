"""The state of one run: who it is for, what it may use, and where it reports."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol
from uuid import UUID

from llms.messages import ChatMessage
from workflows.definition.graph import GraphDefinition
from workflows.engine.edits import Edit
from workflows.engine.errors import RunFailed
from workflows.engine.events import Event
from workflows.engine.halt import Halt
from workflows.engine.limits import Guard
from workflows.engine.pausing import ApprovalQuestion, Decision
from workflows.engine.result import ExecutionResult
from workflows.engine.state import RunState


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


ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What a node asks of a model; `model` is "provider:model", or empty for the default.

    It is attempted `attempts` times in all, with waits that grow from `first_wait_s` by `backoff`.
    `optional` are the places of messages that may be left out; `cache_ttl_s` lets an answer to the
    same question be used again for so long. Unless it `may_call_tools`, the dialogue tells of them
    and that is all.
    """

    node: str
    visit: int
    call: int
    purpose: str
    model: str
    messages: Sequence[ChatMessage]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    tools: Sequence[str] = ()
    may_call_tools: bool = True
    attempts: int = ATTEMPTS
    first_wait_s: float = 0.5
    backoff: float = 2.0
    optional: Sequence[int] = ()
    cache_ttl_s: float | None = None


@dataclass(frozen=True, slots=True)
class ToolQuestion:
    """What a node asks of a tool; `by_node` when it asks for itself and not for a model.

    `offered`: whether the model that wants it was offered it.
    """

    node: str
    visit: int
    call: int
    tool: str
    arguments: Any
    timeout_s: float | None = None
    by_node: bool = False
    offered: bool = True


@dataclass(frozen=True, slots=True)
class History:
    """The end of the conversation before this run, oldest first; `summary` covers turns up to
    `through`. `series` is what it was read from; empty where nothing was.
    """

    messages: Sequence[ChatMessage] = ()
    turns: Sequence[int] = ()  # the turn of each message
    summary: str = ""
    through: int = 0
    series: str = ""


class Services(Protocol):
    """What a node may ask of the world; answers are recorded, so a replay gets the same ones."""

    async def ask(self, question: Question) -> Reply:
        """Ask a model. Raises NodeError."""
        ...

    async def call_tool(self, question: ToolQuestion) -> ToolReply:
        """Call a tool; what goes wrong is an answer."""
        ...

    async def history(self, most: int, *, unsummed: bool) -> History:
        """At least the last `most` messages; with `unsummed` those before, too, that no summary
        covers.
        """
        ...

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        """Return when `seconds` have passed since this node first asked, in whatever process."""
        ...

    async def workflow(self, name: str, parameters: Mapping[str, Any]) -> GraphDefinition:
        """The graph of another workflow as it was when the run was asked for, bound.

        Raises NodeError, BadExpression.
        """
        ...

    async def approval(self, question: ApprovalQuestion) -> Decision | None:
        """What was decided; None while it is not: the node is then to `pause`."""
        ...


class Log(Protocol):
    """Where events go."""

    def emit(self, event: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """Everything one run knows. `graph` is bound: its parameters stand in their places.

    `path` stands before the names of the graph's nodes in log and ledger: empty, or how one gets to
    the node that runs this graph, each step ended by a slash. `depth` counts the workflows around
    this one, at most `max_depth`. `execute` and `go_on` are the engine's, which sets them.
    What runs within a run is given the same `guard` and `halt`: they are those of the whole.
    `chance` is what random choices are drawn from. `edits` are what forks change; they have to be
    reached, and `met` are the places of those that were.
    `shown` is how what reaches and leaves a node is written to the log; None: it is not.
    `handlers` are the visits, by their names in the whole run, of those handlers of whole graphs
    that take up the errors of this one and of those around it.
    `wait_to_begin` returns when a visit, given its name in the whole run and these handlers, may
    begin; None: at once.
    `items` are how many items had begun of visits of maps that came to their end before.
    `failed` are the errors that end this graph, in the order of the log.
    `passes` tells of an exception whether it is no fault of the node that met it: it ends neither
    node nor run, but this attempt at it.
    """

    execution_id: UUID
    attempt: int
    graph: GraphDefinition
    input: Mapping[str, Any]
    parameters: Mapping[str, Any]
    services: Services
    log: Log
    guard: Guard = field(default_factory=Guard)
    halt: Halt = field(default_factory=Halt)
    path: str = ""
    depth: int = 0
    max_depth: int = 5
    execute: "Execute | None" = None
    go_on: "GoOn | None" = None
    chance: UUID | None = None
    edits: Sequence[Edit] = ()
    met: set[tuple[str, int]] = field(default_factory=set)
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    handlers: tuple[tuple[str, int], ...] = ()
    wait_to_begin: "WaitToBegin | None" = None
    items: Mapping[tuple[str, int], int] = field(default_factory=dict)
    failed: list[RunFailed] = field(default_factory=list)
    passes: Callable[[Exception], bool] = lambda error: False

    @property
    def seed(self) -> UUID:
        """The same in every rerun of a run."""
        return self.chance or self.execution_id

    def edit_of(self, node: str, visit: int) -> Edit | None:
        """What is to be changed when this visit of a node of the graph begins: now."""
        place = self.path + node, visit
        found = [edit for edit in self.edits if (edit.node, edit.visit) == place]
        if not found:
            return None
        self.met.add(place)
        return reduce(Edit.under, found)


WaitToBegin = Callable[[str, int, Collection[tuple[str, int]]], Awaitable[None]]
Execute = Callable[[ExecutionContext], Awaitable[ExecutionResult]]
GoOn = Callable[[ExecutionContext, RunState], Awaitable[RunState]]
