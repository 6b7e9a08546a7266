"""What a model is to remember of the conversation."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from llms.errors import ProviderError
from llms.messages import ChatMessage
from workflows.engine.context import ATTEMPTS, History
from workflows.engine.errors import NodeError
from workflows.engine.state import Memory
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_INSTRUCTION = (
    "Summarise the conversation below for an assistant who will go on with it. Keep names, "
    "numbers, decisions and open questions. Answer with the summary only."
)

# `not_asked`: what a replay says of a question before the one that was not too long.
_TOO_LONG = frozenset({"context_too_small", "context_too_long", "not_asked"})
_A_TURN = 2  # messages
_LEAST = 100  # characters of a message that is too long


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

    A model sees what the last of such nodes on the way to it kept; where ways meet, the one that
    kept most.

    A summary is kept with the conversation and extended only when messages leave the window. What
    its model cannot read at once is summed up in several turns, and seen as it is until then; of a
    question and an answer that are too long by themselves, how they begin. Where no summary comes,
    for the provider withholds it or it has no word, all is seen as it is.
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
        summary, through = history.summary, history.through
        if config.summarise:
            older = slice(bisect_right(history.turns, through), seen)
            summary, through = await self._summary(config, history, older, visit)
            seen = min(seen, bisect_right(history.turns, through))
        window = list(history.messages[seen:])
        return Outputs(
            memory=Memory(window, summary, through),
            values={"summary": summary, "messages": len(window)},
        )

    async def _history(self, config: Config, visit: Visit) -> History:
        if not config.enabled:
            return History()
        return await visit.context.services.history(config.window, unsummed=config.summarise)

    async def _summary(
        self, config: Config, history: History, older: slice, visit: Visit
    ) -> tuple[str, int]:
        """The summary with these messages, or as many as can be read at once; how far it goes."""
        messages = history.messages[older]
        while messages:
            question = _question(history.summary, messages)
            try:
                answer = await visit.ask(
                    purpose="summary", model=config.model, messages=question, with_room=True
                )
            except (ProviderError, NodeError) as error:
                if error.code == "content_filtered":  # the conversation is to go on
                    break
                if error.code not in _TOO_LONG or not (messages := _less_of(messages)):
                    raise
            else:
                if not answer.text.strip():
                    break
                return answer.text, history.turns[older][len(messages) - 1]
        return history.summary, history.through


def _less_of(messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    """About half: of several turns the first, of one how each of both begins; at last nothing."""
    if len(messages) > _A_TURN:
        return messages[: len(messages) // 2 // _A_TURN * _A_TURN]
    most = max(len(message.text) for message in messages) // 2
    return [replace(one, text=one.text[:most]) for one in messages] if most >= _LEAST else ()


def _question(before: str, older: Sequence[ChatMessage]) -> list[ChatMessage]:
    lines = [f"Summary so far: {before}"] if before else []
    lines += [f"{message.role}: {message.text}" for message in older]
    return [ChatMessage("system", _INSTRUCTION), ChatMessage("user", "\n\n".join(lines))]


def _begin(history: History, window: int) -> int:
    """Where the window begins: with a turn, for of one that is cut no summary has the rest."""
    at = max(len(history.messages) - window, 0)
    while 0 < at < len(history.turns) and history.turns[at - 1] == history.turns[at]:
        at -= 1
    return at
