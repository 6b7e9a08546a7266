"""A question to a model, and its answer."""

from collections.abc import Callable, Mapping, Sequence
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
    """One question to a model."""

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
    tokens_left: int | None = None  # the most of the answer; does not make it another question
    tools: Sequence[Mapping[str, Any]] = ()  # JSON: `{name, description, parameters}`
    may_call_tools: bool = True  # else the tools only explain the dialogue before
    timeout_s: float = 120.0  # of each attempt
    idle_timeout_s: float | None = None  # of silence; None: for models that think a long time
    max_attempts: int = 3
    first_wait_s: float = FIRST_WAIT_S
    backoff: float = BACKOFF
    # The places in `messages` of what may be left out, first to last, if the whole is too long.
    optional: Sequence[int] = ()
    with_room: bool = False  # refuse what then leaves hardly any room for the answer
    # The same question of the same user, answered at most so long ago, is answered from that row.
    cache_ttl_s: float | None = None
    fits: Callable[[str], bool] | None = None  # what that row has to say; None: anything
    # How long a cancelled call may go on to learn its usage; None: `CHATTER_DRAIN_S`.
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
