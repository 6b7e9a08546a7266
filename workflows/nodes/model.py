"""A call of a language model."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from llms.messages import ChatMessage
from workflows.definition.graph import OUT
from workflows.definition.references import render
from workflows.engine.circling import goes_in_circles
from workflows.engine.errors import NodeError
from workflows.engine.state import Memory
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_TOOL_CALLS = "tool_calls"
_ENOUGH = "No more tools may be called. Answer now with what is known."


class Config(NodeConfig):
    model: str = Field(default="", description="provider:model; empty takes the default.")
    system: str = Field(
        default="", max_length=50_000, description="Instructions, with references such as {{text}}."
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    timeout_s: float | None = Field(default=None, gt=0, le=3600)
    tools: tuple[str, ...] = Field(
        default=(), max_length=64, description="Keys of the tools that the model may call."
    )
    max_rounds: int = Field(
        default=10, ge=1, le=50, description="How often it may call tools before it has to answer."
    )


class ModelNode(NodeType[Config]):
    """Asks a model about the text that arrives, after what the memory nodes before it kept.

    With tools it leaves by `tool_calls` when it wants some called: a tools node there, with an edge
    back to this node, calls them, and the model is asked again. It leaves by `out` with its answer.
    A model that goes in circles, or has called tools `max_rounds` times, is told to answer.
    """

    key: ClassVar[str] = "model"
    label: ClassVar[str] = "Model"
    aliases: ClassVar[tuple[str, ...]] = ("llm", "call_model")
    ports: ClassVar[tuple[str, ...]] = (OUT, _TOOL_CALLS)
    round_port: ClassVar[str] = _TOOL_CALLS
    can_fail: ClassVar[bool] = True
    config = Config

    @classmethod
    def ports_of(cls, config: Mapping[str, Any]) -> tuple[str, ...]:
        return cls.ports if config.get("tools") else (OUT,)

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        said = inputs.dialogue if inputs.before else (ChatMessage("user", inputs.text),)
        enough = bool(config.tools) and self._has_enough(config, said)
        answer = await visit.ask(
            purpose="answer",
            model=config.model,
            messages=[*self._before(config, inputs, visit, enough=enough), *said],
            parameters=config.model_dump(include={"temperature", "max_tokens"}, exclude_none=True),
            timeout_s=config.timeout_s,
            tools=config.tools,
        )
        if answer.tool_calls and not enough:
            asked = ChatMessage("assistant", answer.text, tuple(answer.tool_calls))
            return Outputs(port=_TOOL_CALLS, text=answer.text, dialogue=(*said, asked))
        if answer.tool_calls and not answer.text:
            raise NodeError("too_many_tool_calls", "The model only ever asked for tools.")
        return Outputs(text=answer.text, values={"finish_reason": answer.finish_reason})

    def _has_enough(self, config: Config, said: Sequence[ChatMessage]) -> bool:
        rounds = sum(1 for message in said if message.tool_calls)
        return rounds >= config.max_rounds or goes_in_circles(said)

    def _before(
        self, config: Config, inputs: Inputs, visit: Visit, *, enough: bool
    ) -> list[ChatMessage]:
        """Instructions and what is remembered; providers want all instructions in one piece."""
        system = render(config.system, inputs.names(visit.context)) if config.system else ""
        if enough:
            system = f"{system}\n\n{_ENOUGH}".strip()
        messages = [ChatMessage("system", system)] if system else []
        for passed in inputs.nodes.values():
            if passed.memory is not None:
                messages += _remembered(passed.memory)
        return messages


def _remembered(memory: Memory) -> list[ChatMessage]:
    summary = ChatMessage("system", f"The conversation so far: {memory.summary}")
    return [*([summary] if memory.summary else []), *memory.messages]
