"""What a finished attempt says about itself in the ledger.

How exact each ending is:

- The answer ended and the provider told its usage: `metered`.
- The answer ended and a part of its usage came (no prompt, no answer in words is 0 tokens long):
  `estimated`, as far as it was not told.
- The answer ended and no usage came, or the connection broke, timed out or was cancelled and the
  rest could not be drained: `estimated` from what was sent and what came, never zero; details that
  nobody told (cached, reasoning) are NULL; the upper bound of the open row stays beside it.
- The provider answered with an error before any part of an answer, or the request was never sent:
  that is knowledge that nothing was billed, so `metered`, with zeros.
- The process died: nobody settles the row here; see `ledger.lost_row`.

A call with tokens and without a known price is `unpriced`, however exact its tokens.
"""

import time

from core import clock
from llms.errors import ProviderError
from llms.estimate import estimated_tokens, within
from llms.ledger import CallRecord
from llms.models import CallStatus, Exactness
from llms.preparing import Prepared
from llms.pricing import cost_nano_usd, tier_for
from llms.reading import Reading
from llms.usage import NOTHING, Usage, completed, read_usage

_NANO_PER_MS = 1_000_000


class Settler:
    """One attempt, from the moment its row is committed."""

    __slots__ = ("call", "prepared", "started_ns")

    def __init__(self, call: CallRecord, prepared: Prepared) -> None:
        self.call = call
        self.prepared = prepared
        self.started_ns = time.perf_counter_ns()

    def succeeded(self, reading: Reading) -> None:
        self._usage(reading, ended=True)
        self._end(CallStatus.SUCCEEDED, reading)

    def cancelled(self, reading: Reading, *, ended: bool) -> None:
        """`ended`: the stream came to its end while it was drained."""
        self._usage(reading, ended=ended)
        self._end(CallStatus.CANCELLED, reading)
        self.call.error_code = "call_cancelled"
        self.call.error_message = "The call was cancelled."

    def never_sent(self) -> None:
        """Cancelled before the provider was called."""
        self._price(NOTHING, Exactness.METERED)
        self._end(CallStatus.CANCELLED, None)
        self.call.error_code = "call_cancelled"
        self.call.error_message = "The call was cancelled before it was sent."

    def refused(self, error: ProviderError) -> None:
        """Ended by what was asked before the provider was called."""
        self._price(NOTHING, Exactness.METERED)
        self._end(CallStatus.FAILED, None)
        self.call.error_code = error.code
        self.call.error_message = error.message

    def failed(self, reading: Reading, error: ProviderError, *, ended: bool = False) -> None:
        if error.unbilled:
            self._price(NOTHING, Exactness.METERED)
        else:
            self._usage(reading, ended=ended)
        self._end(CallStatus.FAILED, reading)
        self.call.error_code = error.code
        self.call.error_message = error.message
        self.call.provider_request_id = reading.provider_request_id or error.provider_request_id

    def _usage(self, reading: Reading, *, ended: bool) -> None:
        """Take the usage that was told when the answer has ended, else estimate it."""
        whole = ended or reading.is_whole
        told = read_usage(reading.usage, self.prepared.parameters) if whole else None
        if told is None:
            self._price(self._estimate(reading), Exactness.ESTIMATED)
            return
        answers = reading.first_ns is not None
        usage = completed(told, lambda: self._estimate(reading), answers=answers)
        self._price(usage, Exactness.METERED if usage is told else Exactness.ESTIMATED)

    def _estimate(self, reading: Reading) -> Usage:
        """From the text that was sent and that came: at least one token each way."""
        output = estimated_tokens(reading.text) + estimated_tokens(reading.tool_text)
        thoughts = estimated_tokens(reading.reasoning)
        output, thoughts = within(self.prepared.longest_answer, max(1, output), thoughts)
        return Usage(self.prepared.estimated_input, None, None, output, thoughts or None)

    def _price(self, usage: Usage, exactness: Exactness) -> None:
        call = self.call
        rates = tier_for(self.prepared.tiers, usage.prompt)
        cost = cost_nano_usd(rates, usage)
        call.input_tokens, call.output_tokens = usage.input, usage.output
        call.cache_read_tokens, call.cache_write_tokens = usage.cache_read, usage.cache_write
        call.reasoning_tokens, call.total_tokens = usage.reasoning, usage.total
        call.cost_nano_usd = cost
        call.price_id = rates.id if rates and cost is not None else None
        call.exactness = Exactness.UNPRICED if cost is None else exactness
        if exactness is Exactness.METERED:
            call.upper_bound_tokens = call.upper_bound_nano_usd = None
            return
        if call.upper_bound_tokens is not None:
            call.upper_bound_tokens = max(call.upper_bound_tokens, usage.total)
        if call.upper_bound_nano_usd is not None:
            call.upper_bound_nano_usd = max(call.upper_bound_nano_usd, cost or 0)

    def _end(self, status: CallStatus, reading: Reading | None) -> None:
        """Without a `reading` nothing was sent: no latency, for no one was waited for."""
        call, now_ns = self.call, time.perf_counter_ns()
        call.status = status
        call.settled_at = clock.now()
        if reading is None:
            return
        call.latency_ms = (now_ns - self.started_ns) // _NANO_PER_MS
        if reading.first_ns is not None:
            call.first_token_ms = (reading.first_ns - self.started_ns) // _NANO_PER_MS
        call.finish_reason = reading.finish_reason
        call.served_model = reading.served_model
        call.provider_request_id = reading.provider_request_id
        call.answer = {
            "text": reading.text,
            "reasoning": reading.reasoning,
            "tool_calls": reading.tool_calls,
        }
