"""The model calls of one run, as events and ledger rows; implements `llms.ledger.CallRecorder`."""

from typing import TYPE_CHECKING, Literal

from core.money import dollars_text
from llms.bounding import Lengths
from llms.ledger import CallRecord
from workflows.engine.events import ModelFinished, ModelStarted, ReasoningDelta, TextDelta
from workflows.tracking.ending import Answerer
from workflows.tracking.facts import CallAnswered
from workflows.tracking.past import Past
from workflows.tracking.recordings import Key, repeated

if TYPE_CHECKING:
    from workflows.tracking.tracker import WorkflowTracker

_KINDS: dict[str, type[TextDelta]] = {"text": TextDelta, "reasoning": ReasoningDelta}
_COALESCE_S = 0.05
_PIECE = 2_000  # characters of an answer that is known, in one event


class _Stream:
    """The text of one attempt: how much of it is in the log, and what waits to be."""

    __slots__ = ("call", "kind", "logged", "waiting")

    def __init__(self, call: CallRecord, kind: str, logged: int) -> None:
        self.call = call
        self.kind = kind
        self.logged = logged
        self.waiting: list[str] = []


class CallLog:
    """Text is coalesced: at most one event per 50 ms, or one before whatever else happens."""

    def __init__(self, tracker: "WorkflowTracker", past: Past) -> None:
        self._tracker = tracker
        self._past = past
        self._streams: dict[tuple[object, ...], _Stream] = {}
        self._answers = {key: [text] for key, text in past.texts.items()}
        self.answerer = past.answerer
        self._anew: set[Key] = set()

    @property
    def partial_text(self) -> str:
        """What the answers of this run say so far."""
        return "\n\n".join(filter(None, ("".join(parts) for parts in self._answers.values())))

    def recorded(self, node: str, visit: int, call_index: int) -> CallRecord | None:
        key = (node, visit, call_index)
        call = self._past.answer(key)
        if call is not None:
            self._replay(call)
            return call
        recording = None if key in self._anew else self._past.recordings.answer(key)
        return None if recording is None else self._repeat(recording, key)

    def ask_anew(self, node: str, visit: int, call_index: int) -> None:
        """What another run recorded of this call answers it no more."""
        self._anew.add((node, visit, call_index))

    def failure(self, node: str, visit: int, call_index: int) -> tuple[str, str] | None:
        """Code and message of a call that had failed for good, here or where this is a rerun of."""
        key = (node, visit, call_index)
        if (failure := self._past.failures.get(key)) is not None:
            return failure
        if (recording := self._past.recordings.failure(key)) is not None:
            call = self._repeat(recording, key)
            return call.error_code, call.error_message
        return self._past.recordings.failure_without_a_row(key)

    def attempts(self, node: str, visit: int, call_index: int) -> int:
        return self._past.attempts((node, visit, call_index))

    async def opened(self, call: CallRecord, lengths: Lengths | None = None) -> int | None:
        """Returns once the open row is committed. Raises LeaseLost."""
        self._tracker.emit(_started(call))
        if call.purpose == "answer":
            self._answers[_key(call)] = []
            self.answerer = _answerer(call)
        return await self._tracker.opened(call, lengths)

    def streamed(self, call: CallRecord, text: str, kind: Literal["text", "reasoning"]) -> None:
        if call.purpose != "answer":
            return
        key = (kind, call.id)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream(call, kind, 0)
        stream.waiting.append(text)
        if kind == "text":
            self._answers[_key(call)].append(text)
        self._tracker.flush_within(_COALESCE_S)

    def settled(self, call: CallRecord, *, will_retry_in_s: float | None = None) -> None:
        self.flush_text()
        self._streams.pop(("text", call.id), None)
        self._streams.pop(("reasoning", call.id), None)
        self._tracker.emit(_finished(call, will_retry_in_s))
        self._tracker.settled(call)

    def answered(self, call: CallRecord) -> None:
        self._replay(call)
        self._tracker.record(CallAnswered(call))
        self._tracker.flush_soon()

    def flush_text(self) -> None:
        """Turn waiting text into events."""
        for stream in self._streams.values():
            if stream.waiting:
                text = "".join(stream.waiting)
                stream.waiting.clear()
                self._append(stream.kind, stream.call, stream.logged, text)
                stream.logged += len(text)

    def _append(self, kind: str, call: CallRecord, offset: int, text: str) -> None:
        key = (call.node, call.visit, call.call_index, call.attempt)
        self._tracker.append(_KINDS[kind](*key, offset, text))

    def _repeat(self, recording: CallRecord, key: Key) -> CallRecord:
        """Answer a call of this run as another one was answered, in a row of its own."""
        attempt = self._past.attempts(key) + 1
        call = repeated(recording, self._tracker.execution, attempt)
        self.answered(call)
        return call

    def _replay(self, call: CallRecord) -> None:
        """Bring the log up to an answer that is known: only what is missing in it is written."""
        self._tracker.emit(_started(call))
        if call.purpose == "answer":
            answer = call.answer or {}
            for kind in ("reasoning", "text"):
                text = answer.get(kind) or ""
                logged = self._past.logged(_KINDS[kind].type, call)
                for at in range(logged, len(text), _PIECE):
                    self._append(kind, call, at, text[at : at + _PIECE])
            self._answers[_key(call)] = [answer.get("text") or ""]
            self.answerer = _answerer(call)
        self._tracker.emit(_finished(call, None))


def _key(call: CallRecord) -> Key:
    return call.node, call.visit, call.call_index


def _answerer(call: CallRecord) -> Answerer:
    return Answerer(call.provider, call.model, call.provider_kind == "demo")


def _started(call: CallRecord) -> ModelStarted:
    return ModelStarted(
        node=call.node,
        visit=call.visit,
        call=call.call_index,
        attempt=call.attempt,
        purpose=call.purpose,
        provider=call.provider,
        model=call.model,
        demo=call.provider_kind == "demo",
    )


def _finished(call: CallRecord, retry_in_s: float | None) -> ModelFinished:
    error = {"code": call.error_code, "message": call.error_message} if call.error_code else None
    return ModelFinished(
        node=call.node,
        visit=call.visit,
        call=call.call_index,
        attempt=call.attempt,
        status=call.status,
        usage={
            "input": call.input_tokens,
            "cache_read": call.cache_read_tokens,
            "cache_write": call.cache_write_tokens,
            "output": call.output_tokens,
            "reasoning": call.reasoning_tokens,
            "total": call.total_tokens,
        },
        cost=None if call.cost_nano_usd is None else dollars_text(call.cost_nano_usd),
        exactness=call.exactness,
        latency_ms=call.latency_ms,
        first_token_ms=call.first_token_ms,
        finish_reason=call.finish_reason,
        answered_by=call.answered_by,
        error=error,
        retry_in_s=retry_in_s,
    )
