"""A type of node: one class drives palette, schema, checks, documentation and runtime."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from llms.messages import ChatMessage
from workflows.definition.graph import ERROR, OUT
from workflows.definition.parts import Body
from workflows.engine.context import ExecutionContext, Question, Reply, ToolQuestion, ToolReply
from workflows.engine.pausing import ApprovalQuestion, Decision, pause
from workflows.engine.state import Change, Memory, Passed


class NodeConfig(BaseModel):
    """The configuration of a node: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


C = TypeVar("C", bound=NodeConfig)

OF_AN_ERROR = ("code", "message", "node")  # what one that failed leaves


@dataclass(frozen=True, slots=True)
class Inputs:
    """What reaches a node: what came by the edges taken, and what expressions may name.

    Where they join, the memory is that which holds most, the dialogue that in which most was said.
    `sources` are the nodes these edges come from.
    `before` is what the node left itself when it began the round that has just ended.
    """

    text: str
    variables: Mapping[str, Any]
    nodes: Mapping[str, Passed]
    memory: Memory | None = None
    dialogue: Sequence[ChatMessage] = ()
    before: Passed | None = None
    sources: Sequence[str] = ()

    def names(self, context: ExecutionContext) -> dict[str, Any]:
        """The names of expressions and references: input, params, text, variables, nodes."""
        nodes = {
            key: {"text": passed.text, **passed.values}
            for key, passed in self.nodes.items()
            if passed.port is not None
        }
        return {
            "input": dict(context.input),
            "params": dict(context.parameters),
            "text": self.text,
            "variables": dict(self.variables),
            "nodes": nodes,
        }


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a node leaves: port, values, changes; text, memory and dialogue (None: what came in).

    Where a dialogue that came in ends with what a tool answered, a text of its own is that answer.
    """

    port: str = OUT
    text: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    memory: Memory | None = None
    dialogue: Sequence[ChatMessage] | None = None


@dataclass(slots=True)
class Visit:
    """One visit of a node in a run, and its numbered calls. `body` is what it runs itself."""

    context: ExecutionContext
    node: str
    number: int
    body: Body | None = None
    calls: int = 0

    @property
    def name(self) -> str:
        """The node's as log and ledger have it: with the path to it."""
        return self.context.path + self.node

    async def call_tool(self, **question: Any) -> ToolReply:
        """Call a tool (fields of `ToolQuestion` but for the numbering)."""
        self.calls += 1
        return await self.context.services.call_tool(
            ToolQuestion(node=self.node, visit=self.number, call=self.calls, **question)
        )

    async def decision(self, **question: Any) -> Decision:
        """What people decided (fields of `ApprovalQuestion` but for the numbering).

        Pauses the run while they have not.
        """
        decided = await self.context.services.approval(
            ApprovalQuestion(node=self.node, visit=self.number, **question)
        )
        return decided or pause(self.node)

    async def ask(self, **question: Any) -> Reply:
        """Ask a model (fields of `Question` but for the numbering). Raises NodeError."""
        self.calls += 1
        return await self.context.services.ask(
            Question(node=self.node, visit=self.number, call=self.calls, **question)
        )


@dataclass(frozen=True, slots=True)
class PortsFrom:
    """The ports of nodes in which `setting` is given and not empty; empty: of all others.

    They are `ports`, after one for each value that `each` leads to, such as `branches[].port`.
    """

    setting: str
    ports: tuple[str, ...]
    each: str = ""

    def of(self, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Those of a node with this configuration; None: it is not such a node."""
        if self.setting and not config.get(self.setting):
            return None
        return (*self._named(config), *self.ports)

    def _named(self, config: Mapping[str, Any]) -> Sequence[str]:
        items, _, name = self.each.partition("[].")
        found = config.get(items) if items else None
        return [item[name] for item in found] if isinstance(found, list | tuple) else []


class NodeType(ABC, Generic[C]):
    """A stateless plug-in; its docstring is what people read about it."""

    key: ClassVar[str]
    label: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    ports: ClassVar[tuple[str, ...]] = (OUT,)
    # Where settings decide on the ports of a node: the first that holds; without any, `ports`.
    ports_from: ClassVar[tuple[PortsFrom, ...]] = ()
    can_fail: ClassVar[bool] = False
    # Whether it waits for nothing, so that no timer is set for its visits.
    at_once: ClassVar[bool] = False
    # Whether its own texts may name what it leaves.
    names_itself: ClassVar[bool] = False
    # The tool that such a node calls for itself: who may not use it may not run the node.
    tool: ClassVar[str] = ""
    # The port by which a node begins a round of what leads back to it; it bounds their number.
    round_port: ClassVar[str] = ""
    # Whether it runs these rounds itself, beside one another, as a graph of its own.
    has_body: ClassVar[bool] = False
    # The values that such a node leaves beside its text; None: nobody can say.
    leaves: ClassVar[tuple[str, ...] | None] = None
    # Where it has a body: those that it leaves to the nodes of a round, in place of these.
    leaves_to_rounds: ClassVar[tuple[str, ...]] = ()
    config: ClassVar[type[NodeConfig]]

    @classmethod
    @cache
    def settings(cls) -> frozenset[str]:
        """The names of all that a node of this type can be set to."""
        return frozenset(cls.config.model_fields)

    @classmethod
    @cache
    def texts(cls) -> frozenset[str]:
        """The names of those that are a text, or texts by names."""
        fields = cls.config.model_fields.items()
        return frozenset(name for name, one in fields if one.annotation in (str, dict[str, str]))

    @classmethod
    def ports_of(cls, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The ports of a node with this sound configuration, given as JSON."""
        found = (choice.of(config) for choice in cls.ports_from)
        return next((ports for ports in found if ports is not None), cls.ports)

    @classmethod
    def left_by(cls, config: Mapping[str, Any], port: str) -> Sequence[str] | None:
        """The values that a node with this configuration may leave by a port that is its own.

        None: nobody can say.
        """
        if port == ERROR:
            return OF_AN_ERROR
        return cls.leaves_to_rounds if cls.has_body and port == cls.round_port else cls.leaves

    @classmethod
    def waits_s(cls, config: Mapping[str, Any]) -> Sequence[float]:
        """At the `error` port of another node: the waits before that one is tried again."""
        return ()

    @classmethod
    def asks_at_most(cls, config: Mapping[str, Any]) -> int:
        """How often one visit may ask each of the models that it names, attempts that fail too."""
        return 0

    @classmethod
    def stops(cls, config: Mapping[str, Any]) -> bool:
        """At the `error` port of another node: whether the run ends there as failed."""
        return False

    @classmethod
    def takes_up(cls, config: Mapping[str, Any]) -> Literal["", "continue", "fail"]:
        """As the handler of a whole graph: how a run ends that came there; else empty.

        Such a node begins a part of the graph that runs when an error is taken up by no edge. It
        finds the error in what it has left itself: its text, and values code, message and node.
        """
        return ""

    @abstractmethod
    async def run(self, config: C, inputs: Inputs, visit: Visit) -> Outputs:
        """Do the node's work. Raises NodeError."""
