"""Fakes for the outside of the engine: a model that answers by rule, a history, a clock."""

from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync

from core.models import new_id
from workflows.definition.graph import GraphDefinition
from workflows.engine.context import ExecutionContext, History, Question, ToolQuestion
from workflows.engine.engine import ExecutionEngine
from workflows.engine.events import Event
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
        return FakeToolReply(f"{question.tool} of {question.arguments}")

    async def history(self) -> History:
        return self.said

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        self.slept.append(seconds)


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
) -> Ran:
    """Run a graph without a database. Edges are written "a>b" or "a.port>b"."""
    graph = GraphDefinition.model_validate(
        {
            "nodes": [
                {"id": node, "type": config.get("type", node), "config": config.get("config", {})}
                for node, config in nodes.items()
            ],
            "edges": [_edge(edge) for edge in edges],
        }
    )
    log, services = FakeLog(), services or FakeServices()
    context = ExecutionContext(
        execution_id=new_id(),
        attempt=1,
        graph=graph,
        input={"message": message},
        parameters={},
        services=services,
        log=log,
    )
    result = async_to_sync(ExecutionEngine(NODE_TYPES).execute)(context)
    return Ran(result, services, log.events)


def _edge(text: str) -> dict[str, str]:
    source, target = text.split(">")
    source, _, port = source.partition(".")
    return {"source": source, "source_port": port or "out", "target": target}
