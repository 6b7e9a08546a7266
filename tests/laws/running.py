"""A run of a random graph, in a world that answers each question by what it says."""

import asyncio
import hashlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync

from llms.errors import ProviderError
from llms.messages import ChatMessage
from tests.fakes import FakeLog, FakeReply, FakeServices, FakeToolReply
from tests.laws.blocks import WITHIN
from workflows.definition.graph import GraphDefinition
from workflows.engine.context import ExecutionContext, History, Question, ToolQuestion
from workflows.engine.engine import ExecutionEngine
from workflows.engine.pausing import (
    APPROVED,
    EXPIRED,
    REJECTED,
    ApprovalQuestion,
    Decision,
    RunPaused,
)
from workflows.engine.result import ExecutionResult

TALK = History(
    [ChatMessage(role, f"{role}{turn}") for turn in (1, 2) for role in ("user", "assistant")],
    [1, 1, 2, 2],
)
RUN = UUID(int=3)  # random delays and the like are the same for the same run
Key = tuple[str, int, int]


@dataclass
class World(FakeServices):
    """Answers each question by what it says, after a while that `chance` decides.

    `known` is what a process before had answers to; `left` is how many are given before it dies.
    Where it `lets_wait`, nobody has decided anything when it is first asked for.
    """

    said: History = field(default_factory=lambda: TALK)
    workflows: dict[str, GraphDefinition] = field(default_factory=lambda: dict(WITHIN))
    lets_wait: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    known: dict[Key, Any] = field(default_factory=dict)
    left: int = 1_000_000
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, question: Question) -> FakeReply:
        if (key := _key(question)) not in self.known:
            await self._go_by()
            self.asked.append(question)
            self.known[key] = _answer(question)
        if isinstance(answer := self.known[key], Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def call_tool(self, question: ToolQuestion) -> FakeToolReply:
        if (key := _key(question)) not in self.known:
            await self._go_by()
            self.called.append(question)
            self.known[key] = _said_by_tool(question)
        return self.known[key]  # type: ignore[no-any-return]

    async def approval(self, question: ApprovalQuestion) -> Decision | None:
        if (key := (question.node, question.visit, 0)) not in self.known:
            await self._go_by()
            self.wanted.append(question)
            self.known[key] = _decided(question)
            if self.lets_wait:
                return None
        return self.known[key]  # type: ignore[no-any-return]

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        assert seconds == 0
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)

    async def _go_by(self) -> None:
        for _ in range(self.chance.randrange(12)):
            await asyncio.sleep(0)
        self.left -= 1
        if self.left < 0:
            self.dead.set()
            await asyncio.Event().wait()

    @property
    def calls(self) -> Counter[str]:
        """Everything that was asked of the world, in no order."""
        return Counter(map(repr, (*self.asked, *self.called, *self.wanted)))


def result_of(
    engine: ExecutionEngine, graph: dict[str, Any], world: World
) -> tuple[ExecutionResult | None, FakeLog]:
    """What the graph gives, if its process lives so long; it goes on when somebody has decided."""
    log = FakeLog()

    def context() -> ExecutionContext:
        return ExecutionContext(
            execution_id=RUN,
            attempt=1,
            graph=GraphDefinition.model_validate(graph),
            input={"message": "hello"},
            parameters={},
            services=world,
            log=log,
        )

    async def life() -> ExecutionResult | None:
        running = asyncio.create_task(engine.execute(context()))
        dying = asyncio.create_task(world.dead.wait())
        await asyncio.wait({running, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if running.done():
            return await life() if isinstance(running.exception(), RunPaused) else running.result()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return None

    return async_to_sync(life)(), log


def _key(question: Question | ToolQuestion) -> Key:
    return question.node, question.visit, question.call


def _digest(*asked: Any) -> bytes:
    return hashlib.sha256(repr(asked).encode()).digest()


def _said_by_tool(question: ToolQuestion) -> FakeToolReply:
    if not question.by_node:
        return FakeToolReply(f"{question.arguments}")
    digest = _digest(question.node, question.visit, question.arguments)
    if digest[0] % 4 == 0:
        return FakeToolReply("", error="egress_unreachable", message="It is not there.")
    data = {"status": 500 if digest[1] % 4 == 0 else 200, "headers": {}, "json": None}
    return FakeToolReply(digest.hex()[: digest[2] % 12], data=data)


def _decided(question: ApprovalQuestion) -> Decision:
    digest = _digest(question.node, question.visit, question.question)
    return Decision((APPROVED, APPROVED, REJECTED, EXPIRED)[digest[0] % 4])


def _answer(question: Question) -> FakeReply | Exception:
    """Another one for every other question: a text, data, calls of tools, or an error."""
    digest = _digest(question.node, question.visit, question.call, question.messages)
    if question.purpose == "answer" and digest[0] % 4 == 0:
        return ProviderError("provider_refused")
    if question.tools and digest[1] % 2:
        calls = [
            {"id": f"c{at}", "name": "calculator", "args": {"expression": str(digest[2] + at)}}
            for at in range(1 + digest[3] % 2)
        ]
        return FakeReply("", "tool_calls", tuple(calls))
    text = digest.hex()[: digest[4] % 12]
    return FakeReply(json.dumps({"said": text}) if digest[5] % 4 else text)
