"""What a model is to remember of the conversation."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from llms.messages import ChatMessage
from workflows.engine.context import ATTEMPTS, History
from workflows.engine.state import Memory
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_INSTRUCTION = (
    "Summarise the conversation below for an assistant who will go on with it. Keep names, "
    "numbers, decisions and open questions. Answer with the summary only."
)


class Config(NodeConfig):
    enabled: bool = True
    window: int = Field(
        default=20,
        ge=0,
        le=1000,
        description="Messages the model sees as they are; a question stays with its answer.",
    )
    summarise: bool = Field(default=True, description="Sum up what lies before the window.")
    model: str = Field(default="", description="provider:model for the summary.")


class MemoryNode(NodeType[Config]):
    """Trims the history that models after it see to a window and sums up what lies before it.

    A summary is kept with the conversation and extended only when messages leave the window.
    """

    key: ClassVar[str] = "memory"
    label: ClassVar[str] = "Memory"
    can_fail: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("summary", "messages")
    config = Config

    @classmethod
    def asks_at_most(cls, config: Mapping[str, Any]) -> int:
        checked = Config.model_validate(config)
        return ATTEMPTS if checked.enabled and checked.summarise else 0

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        history = await self._history(config, visit)
        seen = _begin(history, config.window)
        older = [
            message
            for message, turn in zip(history.messages[:seen], history.turns, strict=False)
            if turn > history.through
        ]
        window = list(history.messages[seen:])
        summary, through = history.summary, history.through
        if config.summarise and older:
            summary = await self._summary(config, summary, older, visit)
            through = history.turns[seen - 1]
        return Outputs(
            memory=Memory(window, summary, through),
            values={"summary": summary, "messages": len(window)},
        )

    async def _history(self, config: Config, visit: Visit) -> History:
        if not config.enabled:
            return History()
        return await visit.context.services.history(config.window, unsummed=config.summarise)

    async def _summary(
        self, config: Config, before: str, older: list[ChatMessage], visit: Visit
    ) -> str:
        lines = [f"Summary so far: {before}"] if before else []
        lines += [f"{message.role}: {message.text}" for message in older]
        messages = [ChatMessage("system", _INSTRUCTION), ChatMessage("user", "\n\n".join(lines))]
        answer = await visit.ask(purpose="summary", model=config.model, messages=messages)
        return answer.text


def _begin(history: History, window: int) -> int:
    """Where the window begins: with a turn, for of one that is cut no summary has the rest."""
    at = max(len(history.messages) - window, 0)
    while 0 < at < len(history.turns) and history.turns[at - 1] == history.turns[at]:
        at -= 1
    return at
