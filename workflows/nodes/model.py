"""A call of a language model."""

from typing import ClassVar

from pydantic import Field

from llms.messages import ChatMessage
from workflows.definition.references import render
from workflows.engine.state import Memory
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    model: str = Field(default="", description="provider:model; empty takes the default.")
    system: str = Field(
        default="", max_length=50_000, description="Instructions, with references such as {{text}}."
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    timeout_s: float | None = Field(default=None, gt=0, le=3600)


class ModelNode(NodeType[Config]):
    """Asks a model about the text that arrives, after what the memory nodes before it kept."""

    key: ClassVar[str] = "model"
    label: ClassVar[str] = "Model"
    aliases: ClassVar[tuple[str, ...]] = ("llm", "call_model")
    can_fail: ClassVar[bool] = True
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        answer = await visit.ask(
            purpose="answer",
            model=config.model,
            messages=self._messages(config, inputs, visit),
            parameters=config.model_dump(include={"temperature", "max_tokens"}, exclude_none=True),
            timeout_s=config.timeout_s,
        )
        return Outputs(text=answer.text, values={"finish_reason": answer.finish_reason})

    def _messages(self, config: Config, inputs: Inputs, visit: Visit) -> list[ChatMessage]:
        messages: list[ChatMessage] = []
        if config.system:
            system = render(config.system, inputs.names(visit.context))
            messages.append(ChatMessage("system", system))
        for passed in inputs.nodes.values():
            if passed.memory is not None:
                messages += _remembered(passed.memory)
        messages.append(ChatMessage("user", inputs.text))
        return messages


def _remembered(memory: Memory) -> list[ChatMessage]:
    summary = ChatMessage("system", f"The conversation so far: {memory.summary}")
    return [*([summary] if memory.summary else []), *memory.messages]
