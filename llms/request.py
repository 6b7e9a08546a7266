"""A question to a model, and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from llms.ledger import CallRecord
from llms.messages import ChatMessage
from llms.profiles import ProfileSpec
from llms.retries import BACKOFF, FIRST_WAIT_S
from llms.usage import Usage


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One question to a model. `tools` are JSON: `{name, description, parameters}`; unless it
    `may_call_tools` they are only what the dialogue before tells of.

    `timeout_s` limits each attempt; `idle_timeout_s` the silence within it (None: no limit, for
    models that think a long time). `drain_s` is how long a cancelled call may go on to learn its
    usage (None: `CHATTER_DRAIN_S`).

    `optional` are the places in `messages` of what may be left out, the first of them first, when
    the whole is longer than the model can read. With `cache_ttl_s` the same question of the same
    user, answered so many seconds ago at most, is answered from that row. The answer may have
    `tokens_left` tokens at most, which does not make it another question.
    """

    profile: ProfileSpec
    messages: Sequence[ChatMessage]
    purpose: str
    origin: str
    node: str
    visit: int
    call_index: int
    user_id: UUID | None
    request_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tokens_left: int | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    may_call_tools: bool = True
    timeout_s: float = 120.0
    idle_timeout_s: float | None = None
    max_attempts: int = 3
    first_wait_s: float = FIRST_WAIT_S
    backoff: float = BACKOFF
    optional: Sequence[int] = ()
    cache_ttl_s: float | None = None
    drain_s: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered; `usage` is None where nothing is known."""

    text: str
    reasoning: str
    tool_calls: tuple[dict[str, Any], ...]
    finish_reason: str
    usage: Usage | None
    exactness: str
    cost_nano_usd: int | None
    call_id: UUID
    replayed: bool = False

    @classmethod
    def of(cls, call: CallRecord, *, replayed: bool) -> "Answer":
        """The answer in a settled row."""
        answer = call.answer or {}
        usage = None
        if call.total_tokens is not None:
            usage = Usage(
                call.input_tokens,
                call.cache_read_tokens,
                call.cache_write_tokens,
                call.output_tokens,
                call.reasoning_tokens,
            )
        return cls(
            text=answer.get("text", ""),
            reasoning=answer.get("reasoning", ""),
            tool_calls=tuple(answer.get("tool_calls", ())),
            finish_reason=call.finish_reason,
            usage=usage,
            exactness=call.exactness,
            cost_nano_usd=call.cost_nano_usd,
            call_id=call.id,
            replayed=replayed,
        )
