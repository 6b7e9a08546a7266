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
from workflows.engine.paths import Place
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
    """What a node asks of a model."""

    node: str
    visit: int
    call: int
    purpose: str
    model: str  # "provider:model", or empty for the default
    messages: Sequence[ChatMessage]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    tools: Sequence[str] = ()
    may_call_tools: bool = True  # else the tools only explain the dialogue before
    attempts: int = ATTEMPTS  # in all
    first_wait_s: float = 0.5  # between attempts
    backoff: float = 2.0  # how the wait grows each time
    optional: Sequence[int] = ()  # the places of messages that may be left out
    with_room: bool = False  # refuse what then leaves hardly any room for the answer
    cache_ttl_s: float | None = None  # how old an answer to the same question may be
    fits: Callable[[str], bool] | None = None  # what such an answer has to say; None: anything


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
    """Everything one run knows. A graph within it has a context of its own, made from this one."""

    execution_id: UUID
    attempt: int
    graph: GraphDefinition  # bound: its parameters stand in their places
    input: Mapping[str, Any]
    parameters: Mapping[str, Any]
    services: Services
    log: Log
    guard: Guard = field(default_factory=Guard)  # one for the whole run
    halt: Halt = field(default_factory=Halt)  # one for the whole run
    # What stands before the names of this graph's nodes in log and ledger: empty, or the way to the
    # node that runs this graph, each step ended by a slash.
    path: str = ""
    depth: int = 0  # of workflows around this one
    max_depth: int = 5
    execute: "Execute | None" = None  # set by the engine, for graphs within
    go_on: "GoOn | None" = None  # set by the engine, for graphs within
    chance: UUID | None = None  # what random choices are drawn from
    edits: Sequence[Edit] = ()  # of forks; each has to be reached
    met: set[Place] = field(default_factory=set)  # where edits were reached
    # How what reaches and leaves a node is written to the log; None: it is not.
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    # The nodes, with their names in the whole run, whose errors end this graph or one around it.
    fatal: frozenset[str] = frozenset()
    # Returns when a visit may begin, given its place and what is `fatal`; None: at once.
    wait_to_begin: "WaitToBegin | None" = None
    # How many items had begun, for each visit of a map that an earlier attempt or run ended, or in
    # which it had an item fail.
    items: Mapping[Place, int] = field(default_factory=dict)
    failed: list[RunFailed] = field(default_factory=list)  # what ends this graph, as in the log
    # Whether an exception is no fault of the node that met it, but ends this attempt at the run.
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


WaitToBegin = Callable[[str, int, Collection[str]], Awaitable[None]]
Execute = Callable[[ExecutionContext], Awaitable[ExecutionResult]]
GoOn = Callable[[ExecutionContext, RunState], Awaitable[RunState]]
