"""Fakes for the outside of the engine: a model that answers by rule, a history, a clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync

from core.limits import RunLimits
from core.models import new_id
from workflows.definition.binding import bound
from workflows.definition.graph import GraphDefinition
from workflows.engine.context import ExecutionContext, History, Question, ToolQuestion
from workflows.engine.engine import ExecutionEngine
from workflows.engine.events import Event
from workflows.engine.limits import Guard
from workflows.engine.pausing import ApprovalQuestion, Decision
from workflows.engine.result import ExecutionResult
from workflows.registry import NODE_TYPES


@dataclass
class FakeReply:
    text: str
    finish_reason: str = "stop"
    tool_calls: tuple[dict[str, Any], ...] = ()


@dataclass
class FakeToolReply:
    told: str
    error: str = ""
    data: Any = None
    message: str = ""

    @property
    def text(self) -> str:
        return self.told


@dataclass
class FakeServices:
    """Answers each question with `answers[node]` (of the question, if it can be called), else with
    "answer to <last message>"."""

    said: History = field(default_factory=History)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    called: list[ToolQuestion] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    workflows: dict[str, GraphDefinition] = field(default_factory=dict)
    decided: dict[str, Decision] = field(default_factory=dict)
    wanted: list[ApprovalQuestion] = field(default_factory=list)

    async def ask(self, question: Question) -> FakeReply:
        self.asked.append(question)
        answer = self.answers.get(question.node, f"answer to {question.messages[-1].text}")
        if callable(answer):
            answer = answer(question)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, FakeReply) else FakeReply(answer)

    async def call_tool(self, question: ToolQuestion) -> FakeToolReply:
        self.called.append(question)
        data = {"status": 200, "headers": {}, "json": None} if question.by_node else None
        return FakeToolReply(f"{question.tool} of {question.arguments}", data=data)

    async def history(self, most: int, *, unsummed: bool) -> History:
        return self.said

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        self.slept.append(seconds)

    async def workflow(self, name: str, parameters: Mapping[str, Any]) -> GraphDefinition:
        return bound(self.workflows[name], parameters, NODE_TYPES)

    async def approval(self, question: ApprovalQuestion) -> Decision | None:
        self.wanted.append(question)
        return self.decided.get(question.node)


@dataclass
class FakeLog:
    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class Ran:
    """What a graph did."""

    result: ExecutionResult
    services: FakeServices
    events: list[Event]


def run_graph(
    nodes: dict[str, dict[str, Any]],
    edges: list[str],
    message: str = "hello",
    services: FakeServices | None = None,
    engine: ExecutionEngine | None = None,
    limits: RunLimits = RunLimits(),  # noqa: B008 - frozen
) -> Ran:
    """Run a graph without a database, by default with the node types there are."""
    graph = graph_of(nodes, edges)
    log, services = FakeLog(), services or FakeServices()
    context = ExecutionContext(
        execution_id=new_id(),
        attempt=1,
        graph=graph,
        input={"message": message},
        parameters={},
        services=services,
        log=log,
        guard=Guard(limits),
    )
    result = async_to_sync((engine or ExecutionEngine(NODE_TYPES)).execute)(context)
    return Ran(result, services, log.events)


def graph_of(nodes: dict[str, dict[str, Any]], edges: list[str]) -> GraphDefinition:
    """Nodes by id, their types the ids where they say no other; edges as "a>b" or "a.port>b"."""
    return GraphDefinition.model_validate(
        {
            "nodes": [
                {"id": node, "type": config.get("type", node), "config": config.get("config", {})}
                for node, config in nodes.items()
            ],
            "edges": [_edge(edge) for edge in edges],
        }
    )


def _edge(text: str) -> dict[str, str]:
    source, target = text.split(">")
    source, _, port = source.partition(".")
    return {"source": source, "source_port": port or "out", "target": target}
