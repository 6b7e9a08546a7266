"""A call of a language model."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints, field_validator

from llms.errors import BUDGET_EXCEEDED, ProviderError
from llms.messages import ChatMessage
from llms.usage import MOST_TOKENS
from tools.keeping import kept_arguments
from workflows.definition.graph import ERROR, OUT
from workflows.definition.references import render
from workflows.engine import structured
from workflows.engine.circling import goes_in_circles
from workflows.engine.context import Reply
from workflows.engine.errors import NodeError
from workflows.engine.state import Memory
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, PortsFrom, Visit

_TOOL_CALLS = "tool_calls"
# What reaches the provider as it is; where it is not set, the model's profile says.
PARAMETERS = (
    "temperature",
    "top_p",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "max_tokens",
)
StopText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_ENOUGH = "No more tools may be called. Answer now with what is known."


class Cache(NodeConfig):
    ttl_s: float = Field(
        gt=0, le=30 * 86_400, description="How old an answer to the same question may be."
    )


class Retry(NodeConfig):
    attempts: int = Field(default=3, ge=1, le=10, description="In all, each a row of the ledger.")
    wait_s: float = Field(default=0.5, ge=0, le=20, description="Before the second attempt.")
    backoff: float = Field(default=2.0, ge=1, le=10, description="How the wait grows each time.")


class Config(NodeConfig):
    model: str = Field(default="", description="provider:model; empty takes the default.")
    fallbacks: tuple[str, ...] = Field(
        default=(), max_length=5, description="Models asked, in order, when the one before fails."
    )
    system: str = Field(
        default="", max_length=50_000, description="Instructions, with references such as {{text}}."
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="How freely it chooses its words; 0: hardly."
    )
    top_p: float | None = Field(
        default=None, ge=0, le=1, description="It chooses among the words that make up this share."
    )
    stop: tuple[StopText, ...] = Field(
        default=(), max_length=4, description="Texts at which the answer ends, without them."
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**31, description="The same question is to get the same answer."
    )
    presence_penalty: float | None = Field(
        default=None, ge=-2, le=2, description="Against words that have been said at all."
    )
    frequency_penalty: float | None = Field(
        default=None, ge=-2, le=2, description="Against words the more often they have been said."
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=MOST_TOKENS,
        description="Of the answer; empty: what the question leaves of the model's context.",
    )
    cache: Cache | None = Field(
        default=None,
        description="Use an answer again that the same question of the same user was given.",
    )
    retry: Retry = Field(
        default=Retry(), description="When a provider is unreachable, busy or broken."
    )
    timeout_s: float | None = Field(default=None, gt=0, le=3600)
    tools: tuple[str, ...] = Field(
        default=(), max_length=64, description="Keys of the tools that the model may call."
    )
    max_rounds: int = Field(
        default=10, ge=1, le=50, description="How often it may call tools before it has to answer."
    )
    output_schema: dict[str, Any] | None = Field(
        default=None,
        description="A JSON schema of at most 1,000 parts; the answer is then JSON that fits it. "
        "Patterns are not tried.",
    )

    @field_validator("output_schema")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            structured.check_schema(schema)
        return schema


class ModelNode(NodeType[Config]):
    """Asks a model about the text that arrives, after what the last memory node before it kept.

    With tools it leaves by `tool_calls` when it wants some called: a tools node there, with an edge
    back to this node, calls them, and the model is asked again. It leaves by `out` with its answer.
    A node between the two may change the text of the last result, and where no tools node was on
    the way, the text that comes back answers the calls. `nodes.<id>.tool_calls` are those it wants
    made, each `{name, args}`; none beside its answer.
    A call of a tool that is not among its own is not made, and answered by an error.
    A model that goes in circles, or has called tools `max_rounds` times, is asked once more and may
    call none: its provider is told so where that can be said, else it is sent no tools. When it
    wants some all the same, or never had any, what it said beside is its answer; without a word the
    node fails.

    An answer that reached its longest length while it called tools fails, and none is called: a
    part of what was to be done is missing. A call that cannot be read is asked for again.

    The oldest messages of the history are left out where the whole is longer than the model reads,
    or where the provider of the last one asked says that it is.

    What is set of temperature, sampling, seed, penalties and texts to stop at goes before what the
    model's profile says. A provider that does not know one of them, as Anthropic knows no seed and
    no penalties, is asked without it.

    With a schema the answer is also `nodes.<id>.data`; one that does not fit is mended once.
    """

    key: ClassVar[str] = "model"
    label: ClassVar[str] = "Model"
    aliases: ClassVar[tuple[str, ...]] = ("llm", "call_model")
    ports: ClassVar[tuple[str, ...]] = (OUT, _TOOL_CALLS)
    ports_from: ClassVar[tuple[PortsFrom, ...]] = (
        PortsFrom("tools", (OUT, _TOOL_CALLS)),
        PortsFrom("", (OUT,)),
    )
    round_port: ClassVar[str] = _TOOL_CALLS
    can_fail: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("finish_reason",)
    config = Config

    @classmethod
    def left_by(cls, config: Mapping[str, Any], port: str) -> Sequence[str] | None:
        if port == ERROR:
            return super().left_by(config, port)
        data = ("data",) if port == OUT and config.get("output_schema") is not None else ()
        return (*cls.leaves, *data, *((_TOOL_CALLS,) if config.get("tools") else ()))

    @classmethod
    def asks_at_most(cls, config: Mapping[str, Any]) -> int:
        checked = Config.model_validate(config)
        return checked.retry.attempts * (1 if checked.output_schema is None else 2)

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        said = _said(inputs)
        enough = bool(config.tools) and _has_enough(config, said)
        before, optional = _before(config, inputs, visit, enough=enough)
        messages = [*before, *said]
        answer = await _asked(config, messages, optional, visit, may_call_tools=not enough)
        if answer.tool_calls and config.tools and not enough:
            asked = ChatMessage(
                "assistant", answer.text, tuple(answer.tool_calls), offered=config.tools
            )
            wanted = {"finish_reason": answer.finish_reason, _TOOL_CALLS: _wanted(answer)}
            return Outputs(_TOOL_CALLS, answer.text, wanted, dialogue=(*said, asked))
        if answer.tool_calls and not answer.text:
            raise NodeError("too_many_tool_calls", "The model only ever asked for tools.")
        values: dict[str, Any] = {}
        if config.output_schema is not None:
            answer, values["data"] = await _fitting(config, answer, messages, optional, visit)
        if config.tools:
            values[_TOOL_CALLS] = []
        values["finish_reason"] = answer.finish_reason
        return Outputs(text=answer.text, values=values, dialogue=() if config.tools else None)


def _wanted(answer: Reply) -> list[Mapping[str, Any]]:
    calls = answer.tool_calls
    return [{"name": call["name"], "args": kept_arguments(call["args"])} for call in calls]


def _said(inputs: Inputs) -> Sequence[ChatMessage]:
    """What it was asked, or since then; a call that no tool answered, the text that comes does."""
    if inputs.before is None:
        return (ChatMessage("user", inputs.text),)
    said = inputs.dialogue or inputs.before.dialogue
    calls = said[-1].tool_calls
    return (*said, *(ChatMessage("tool", inputs.text, tool_call_id=call["id"]) for call in calls))


async def _asked(
    config: Config,
    messages: Sequence[ChatMessage],
    optional: Sequence[int],
    visit: Visit,
    *,
    may_call_tools: bool,
    fits: Callable[[str], bool] | None = None,
) -> Reply:
    """The answer of the first model that gives one. Raises what the last one raised."""
    parameters = config.model_dump(
        mode="json", include=set(PARAMETERS), exclude_defaults=True, exclude_none=True
    )
    ask = partial(
        visit.ask,
        purpose="answer",
        attempts=config.retry.attempts,
        first_wait_s=config.retry.wait_s,
        backoff=config.retry.backoff,
        cache_ttl_s=config.cache.ttl_s if config.cache else None,
        fits=fits,
        parameters=parameters,
        timeout_s=config.timeout_s,
        tools=config.tools,
        may_call_tools=may_call_tools,
    )
    *others, last = (config.model, *config.fallbacks)
    for name in others:
        try:
            return await ask(model=name, messages=messages, optional=optional)
        except (ProviderError, NodeError) as error:
            if error.code == BUDGET_EXCEEDED:  # another model would be paid for, too
                raise
    return await _with_less(partial(ask, model=last), messages, optional)


async def _with_less(
    ask: Callable[..., Awaitable[Reply]], messages: Sequence[ChatMessage], optional: Sequence[int]
) -> Reply:
    """The answer; where its provider finds it too long, to half as much of the history."""
    while True:
        try:
            return await ask(messages=messages, optional=optional)
        except (ProviderError, NodeError) as error:
            if error.code != "context_too_long" or not optional:
                raise
        gone = optional[: -(-len(optional) // 4) * 2]  # in turns
        messages = [message for at, message in enumerate(messages) if at not in gone]
        optional = [at - len(gone) for at in optional[len(gone) :]]


async def _fitting(
    config: Config,
    answer: Reply,
    messages: Sequence[ChatMessage],
    optional: Sequence[int],
    visit: Visit,
) -> tuple[Reply, Any]:
    """The answer as JSON, after one more question if it does not fit."""
    schema = config.output_schema or {}
    try:
        return answer, structured.read(answer.text, schema)
    except structured.Unfit as problem:
        again = ChatMessage("user", structured.correction(problem))
        messages = [*messages, ChatMessage("assistant", answer.text), again]
    fits = partial(structured.fits, schema=schema)
    answer = await _asked(config, messages, optional, visit, may_call_tools=False, fits=fits)
    try:
        return answer, structured.read(answer.text, schema)
    except structured.Unfit as problem:
        raise NodeError("answer_does_not_fit", f"The answer does not fit: {problem}") from problem


def _has_enough(config: Config, said: Sequence[ChatMessage]) -> bool:
    rounds = sum(1 for message in said if message.tool_calls)
    return rounds >= config.max_rounds or goes_in_circles(said)


def _before(
    config: Config, inputs: Inputs, visit: Visit, *, enough: bool
) -> tuple[list[ChatMessage], list[int]]:
    """Instructions and what is remembered; providers want all instructions in one piece.

    With the places of the messages of the history, which may be left out where room is short.
    """
    told = render(config.system, inputs.names(visit.context)) if config.system else ""
    parts = [told] if told else []
    if config.output_schema is not None:
        parts.append(structured.instructions(config.output_schema))
    if enough:
        parts.append(_ENOUGH)
    messages = [ChatMessage("system", "\n\n".join(parts))] if parts else []
    memory = inputs.memory or Memory()
    if memory.summary:
        messages.append(ChatMessage("system", f"The conversation so far: {memory.summary}"))
    optional = list(range(len(messages), len(messages) + len(memory.messages)))
    return [*messages, *memory.messages], optional
