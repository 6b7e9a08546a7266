"""A call on its way into the ledger, and the interface of whatever writes it there."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, Protocol
from uuid import UUID

from core import clock
from llms.bounding import Lengths
from llms.models import AnsweredBy, CallStatus, Exactness

Kind = Literal["text", "reasoning"]


@dataclass(slots=True)
class CallRecord:
    """The columns of a ModelCall; `CallRecord(**row)` reads a row of `.values()`."""

    id: UUID
    created_at: datetime
    origin: str
    user_id: UUID | None
    provider: str
    provider_kind: str
    model: str
    node: str
    visit: int
    call_index: int
    attempt: int
    purpose: str
    parameters: Mapping[str, Any]
    request_hash: str
    streamed: bool
    started_at: datetime
    request_id: str = ""
    answered_by: str = AnsweredBy.PROVIDER
    source_call_id: UUID | None = None
    upper_bound_tokens: int | None = None
    upper_bound_nano_usd: int | None = None
    # What settling changes:
    status: str = CallStatus.OPEN
    exactness: str = Exactness.OPEN
    served_model: str = ""
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None
    cost_nano_usd: int | None = None
    price_id: UUID | None = None
    answer: Mapping[str, Any] | None = None
    settled_at: datetime | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    finish_reason: str = ""
    error_code: str = ""
    error_message: str = ""
    provider_request_id: str = ""

    def row(self) -> dict[str, Any]:
        """Every column as it stands."""
        return dict(zip(_COLUMNS, _values_of(self), strict=True))

    def settled_row(self) -> dict[str, Any]:
        """The primary key and what settling changed; the same keys for every call."""
        return dict(zip(_SETTLED_COLUMNS, _settled_values_of(self), strict=True))

    def answered(self, call: "CallRecord", *, by: AnsweredBy) -> "CallRecord":
        """The row of `call` as this one ended, without asking: nothing was used, that is known.

        No latency: no one was waited for.
        """
        nothing: dict[str, Any] = dict.fromkeys(_COUNTED, 0)
        return replace(
            call,
            answered_by=by,
            source_call_id=self.source_call_id or self.id,
            streamed=False,
            upper_bound_tokens=None,
            upper_bound_nano_usd=None,
            status=self.status,
            exactness=Exactness.METERED,
            served_model=self.served_model,
            **nothing,
            price_id=None,
            answer=self.answer,
            settled_at=clock.now(),
            latency_ms=None,
            first_token_ms=None,
            finish_reason=self.finish_reason,
            error_code=self.error_code,
            error_message=self.error_message,
            provider_request_id="",
        )


_COUNTED = (
    *("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"),
    *("reasoning_tokens", "total_tokens", "cost_nano_usd"),
)
_COLUMNS = tuple(field.name for field in fields(CallRecord))
_SETTLED_COLUMNS = ("id", *_COLUMNS[_COLUMNS.index("upper_bound_tokens") :])
_values_of = attrgetter(*_COLUMNS)
_settled_values_of = attrgetter(*_SETTLED_COLUMNS)


def lost_row(call_row: Mapping[str, Any]) -> dict[str, Any]:
    """Settle an open row whose process died: nobody will ever know what it used.

    Its numbers stay unknown; the upper bound it was opened with stays beside it. Has the keys of
    `CallRecord.settled_row()`.
    """
    settled = {name: call_row[name] for name in _SETTLED_COLUMNS}
    return settled | {
        "status": CallStatus.LOST,
        "exactness": Exactness.OPEN,
        "settled_at": clock.now(),
        "error_code": "call_lost",
        "error_message": "The process that made this call ended before the answer was complete.",
    }


class CallRecorder(Protocol):
    """Who writes the ledger, and knows what it holds of one execution already."""

    def recorded(self, node: str, visit: int, call_index: int) -> CallRecord | None:
        """A call that has succeeded, to be answered from its row instead of paid again."""

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        """How many rows this key has already."""

    async def opened(self, call: CallRecord, lengths: Lengths | None = None) -> int | None:
        """Return once the open row is committed. When this raises, no provider is called.

        A budget may allow one of these shorter answers only: `call` says so then, and how many
        tokens it may have is returned.
        Raises ProviderError where the row is committed, and a budget does not allow the call.

        The row must be on its way before this first suspends, so that a cancelled wait can be
        followed by `settled`.
        """

    def streamed(self, call: CallRecord, text: str, kind: Kind) -> None:
        """A piece of the answer; may not raise."""

    def answered(self, call: CallRecord) -> None:
        """A call that was answered without asking a provider; its row is committed settled."""

    def settled(self, call: CallRecord, *, will_retry_in_s: float | None = None) -> None:
        """The call has its last state; its row is committed with the next group."""
