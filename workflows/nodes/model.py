"""A call of a language model."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from pydantic import Field, field_validator

from llms.errors import ProviderError
from llms.messages import ChatMessage
from workflows.definition.graph import OUT
from workflows.definition.references import render
from workflows.engine import structured
from workflows.engine.circling import goes_in_circles
from workflows.engine.context import Reply
from workflows.engine.errors import NodeError
from workflows.engine.state import Memory
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_TOOL_CALLS = "tool_calls"
_ENOUGH = "No more tools may be called. Answer now with what is known."


class Config(NodeConfig):
    model: str = Field(default="", description="provider:model; empty takes the default.")
    fallbacks: tuple[str, ...] = Field(
        default=(), max_length=5, description="Models asked, in order, when the one before fails."
    )
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
    output_schema: dict[str, Any] | None = Field(
        default=None, description="A JSON schema; the answer is then JSON that fits it."
    )

    @field_validator("output_schema")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            structured.check_schema(schema)
        return schema


class ModelNode(NodeType[Config]):
    """Asks a model about the text that arrives, after what the memory nodes before it kept.

    With tools it leaves by `tool_calls` when it wants some called: a tools node there, with an edge
    back to this node, calls them, and the model is asked again. It leaves by `out` with its answer.
    A model that goes in circles, or has called tools `max_rounds` times, is told to answer.

    With a schema the answer is also `nodes.<id>.data`; one that does not fit is mended once.
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
        enough = bool(config.tools) and _has_enough(config, said)
        messages = [*_before(config, inputs, visit, enough=enough), *said]
        answer = await _asked(config, messages, visit)
        if answer.tool_calls and not enough:
            asked = ChatMessage("assistant", answer.text, tuple(answer.tool_calls))
            return Outputs(port=_TOOL_CALLS, text=answer.text, dialogue=(*said, asked))
        if answer.tool_calls and not answer.text:
            raise NodeError("too_many_tool_calls", "The model only ever asked for tools.")
        values: dict[str, Any] = {}
        if config.output_schema is not None:
            answer, values["data"] = await _fitting(config, answer, messages, visit)
        return Outputs(text=answer.text, values={**values, "finish_reason": answer.finish_reason})


async def _asked(config: Config, messages: Sequence[ChatMessage], visit: Visit) -> Reply:
    """The answer of the first model that gives one. Raises what the last one raised."""
    parameters = config.model_dump(include={"temperature", "max_tokens"}, exclude_none=True)
    ask = partial(
        visit.ask,
        purpose="answer",
        messages=messages,
        parameters=parameters,
        timeout_s=config.timeout_s,
        tools=config.tools,
    )
    *others, last = (config.model, *config.fallbacks)
    for name in others:
        with suppress(ProviderError, NodeError):
            return await ask(model=name)
    return await ask(model=last)


async def _fitting(
    config: Config, answer: Reply, messages: Sequence[ChatMessage], visit: Visit
) -> tuple[Reply, Any]:
    """The answer as JSON, after one more question if it does not fit."""
    schema = config.output_schema or {}
    try:
        return answer, structured.read(answer.text, schema)
    except structured.Unfit as problem:
        again = ChatMessage("user", structured.mended(problem))
        messages = [*messages, ChatMessage("assistant", answer.text), again]
    answer = await _asked(config, messages, visit)
    try:
        return answer, structured.read(answer.text, schema)
    except structured.Unfit as problem:
        raise NodeError("answer_does_not_fit", f"The answer does not fit: {problem}") from problem


def _has_enough(config: Config, said: Sequence[ChatMessage]) -> bool:
    rounds = sum(1 for message in said if message.tool_calls)
    return rounds >= config.max_rounds or goes_in_circles(said)


def _before(config: Config, inputs: Inputs, visit: Visit, *, enough: bool) -> list[ChatMessage]:
    """Instructions and what is remembered; providers want all instructions in one piece."""
    parts = [render(config.system, inputs.names(visit.context))] if config.system else []
    if config.output_schema is not None:
        parts.append(structured.told(config.output_schema))
    if enough:
        parts.append(_ENOUGH)
    messages = [ChatMessage("system", "\n\n".join(parts))] if parts else []
    for passed in inputs.nodes.values():
        if passed.memory is not None:
            messages += _remembered(passed.memory)
    return messages


def _remembered(memory: Memory) -> list[ChatMessage]:
    summary = ChatMessage("system", f"The conversation so far: {memory.summary}")
    return [*([summary] if memory.summary else []), *memory.messages]
