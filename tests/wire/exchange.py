"""One metered request: read, answered or made to fail, and written down."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from .answer import Answer, answer
from .connection import ClientLeft, Connection, Request
from .directives import (
    BREAKING_FAULTS,
    REFUSING_FAULTS,
    BadDirective,
    Behaviour,
    Fault,
    read_directives,
)
from .meter import Meter, Record
from .protocol import Event, Protocol, Telling, spent, to_json
from .question import BadRequest, Question
from .script import Script

KEPT_QUESTION_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to a request that was understood."""

    question: Question
    behaviour: Behaviour
    fault: Fault | None
    answer: Answer
    telling: Telling

    @property
    def kind(self) -> str:
        """The fault's kind, or nothing."""
        return self.fault.kind if self.fault else ""


class Exchange:
    """The life of one request, from received to finished."""

    def __init__(
        self, protocol: Protocol, request: Request, connection: Connection, meter: Meter
    ) -> None:
        self._protocol, self._request = protocol, request
        self._connection, self._meter = connection, meter
        self._sent: list[Event] = []
        self._record = Record(
            id=protocol.new_id(),
            state="received",
            path=request.path,
            protocol=protocol.name,
            model=None,
            stream=False,
            received_at=now(),
            call=request.headers.get("x-chatter-call"),
            request=request.headers.get("x-request-id"),
        )

    async def run(self, script: Script) -> bool:
        """Answer, and tell whether the connection may carry another request."""
        try:
            try:
                plan = self._plan(script)
            except (BadRequest, BadDirective) as error:
                self._meter.write(self._record)
                return await self._refuse("400", str(error))
            self._meter.write(self._record)
            return await self._carry_out(plan)
        except ClientLeft:
            self._finish("left", client_left=True)
            return False
        except asyncio.CancelledError:
            self._finish("stopped")
            raise

    def _plan(self, script: Script) -> Plan:
        """Decide what will happen. Raises BadRequest, BadDirective."""
        question = self._read()
        attempt = script.attempt(question.text)
        self._note(
            model=question.model,
            stream=question.stream,
            question=question.text[:KEPT_QUESTION_CHARACTERS],
            said=tuple(text[:KEPT_QUESTION_CHARACTERS] for text in question.said),
            tools=tuple(sorted(question.tools)),
            options=question.options,
            attempt=attempt,
        )
        said, own = read_directives(question.text)
        behaviour = own.over(script.behaviour(question, attempt))
        fault = behaviour.fault(attempt)
        kind = fault.kind if fault else None
        reply = answer(question, said, behaviour, fault)
        self._note(fault=kind, planned_words=reply.word_count)
        telling = Telling(
            id=self._record.id,
            question=question,
            behaviour=behaviour,
            tells_usage=question.tells_usage and kind != "no_usage",
            bare=kind == "bare_usage",
            nulls=kind == "null_usage",
        )
        return Plan(question, behaviour, fault, reply, telling)

    def _read(self) -> Question:
        try:
            return self._protocol.read(json.loads(self._request.body))
        except (ValueError, TypeError, AttributeError) as error:
            raise BadRequest(str(error)) from error

    async def _carry_out(self, plan: Plan) -> bool:
        kind, fault = plan.kind, plan.fault
        if not any(self._request.headers.get(name) for name in self._protocol.key_headers):
            return await self._refuse("401")
        if fault and kind in REFUSING_FAULTS:
            return await self._refuse(kind, retry_after_s=fault.retry_after_s)
        if fault and kind in ("cut", "hang") and not fault.after:
            return await self._break_off(kind)
        first_ms = fault.first_ms if fault and kind == "slow" else plan.behaviour.first_ms or 0
        streams = plan.question.stream and kind != "unstreamed"
        return await (self._stream if streams else self._whole)(plan, first_ms)

    async def _refuse(
        self, kind: str, message: str | None = None, *, retry_after_s: float | None = None
    ) -> bool:
        refusal = self._protocol.refuse(kind, self._record.id, message)
        headers = self._headers("application/json")
        if retry_after_s is not None:
            headers["retry-after"] = f"{retry_after_s:g}"
        self._finish("error", status=refusal.status)
        await self._connection.reply(refusal.status, headers, to_json(refusal.body))
        return True

    async def _whole(self, plan: Plan, first_ms: int) -> bool:
        """Answer in one piece; once it is made it is billed, whether or not it arrives."""
        kind, words = plan.kind, plan.answer.word_count
        if kind == "stream_error":
            return await self._refuse("500")
        self._note(usage=plan.answer.billed)
        await self._connection.pause((first_ms + (plan.behaviour.delay_ms or 0) * words) / 1000)
        body = to_json(self._protocol.body(plan.answer, plan.telling))
        headers = self._headers("application/json")
        if kind in ("cut", "hang"):
            self._note(status=200)
            await self._connection.reply(200, headers, body, sent_part=0.5)
            return await self._break_off(kind)
        if kind == "malformed":
            body = body[: len(body) // 2]
        self._finish("done", status=200, sent_words=words)
        await self._connection.reply(200, headers, body)
        return True

    async def _stream(self, plan: Plan, first_ms: int) -> bool:
        """Send events one by one until the end or the fault; the input is billed at once."""
        events = list(self._protocol.events(plan.answer, plan.telling))
        end = _breaking_point(events, plan.fault)
        self._note(usage=spent(plan.answer.billed, self._sent))
        await self._connection.pause(first_ms / 1000)
        self._note(status=200)
        headers = self._headers("text/event-stream; charset=utf-8")
        await self._connection.open_stream(200, headers, chop=plan.behaviour.chop)
        for event in events[:end]:
            is_token = event.is_word or event.reasoning
            await self._connection.pause((plan.behaviour.delay_ms or 0) / 1000 if is_token else 0)
            self._sent.append(event)
            if len(self._sent) == len(events):
                self._finish("done")
            await self._connection.send(event.data)
        if end < len(events):
            return await self._break_stream(plan)
        await self._connection.close_stream()
        return True

    async def _break_stream(self, plan: Plan) -> bool:
        if plan.kind in ("cut", "hang"):
            return await self._break_off(plan.kind)
        self._finish("error")
        tell = self._protocol.broken if plan.kind == "malformed" else self._protocol.stream_error
        await self._connection.send(tell(plan.telling))
        await self._connection.close_stream()
        return True

    async def _break_off(self, kind: str) -> bool:
        """Close without an end, or never end; the caller closes the connection."""
        if kind == "hang":
            await self._connection.wait_for_leaving()
        self._finish("cut")
        return False

    def _headers(self, content_type: str) -> dict[str, str]:
        own = {"content-type": content_type, self._protocol.id_header: self._record.id}
        return {**own, **self._protocol.headers}

    def _note(self, **changes: Any) -> None:
        """Change the record in hand; it is written when the exchange is finished."""
        self._record = replace(self._record, **changes)

    def _finish(self, ended: str, **changes: Any) -> None:
        """Write the record's last state, once; a stream is billed by what was sent."""
        if self._record.state == "finished":
            return
        if self._sent and self._record.usage:
            words = sum(event.is_word for event in self._sent)
            self._note(usage=spent(self._record.usage, self._sent), sent_words=words)
        self._note(state="finished", ended=ended, finished_at=now(), **changes)
        self._meter.write(self._record)


def _breaking_point(events: list[Event], fault: Fault | None) -> int:
    """Find the event before which the fault comes: word n + 1, or what ends a shorter answer."""
    if not fault or fault.kind not in BREAKING_FAULTS:
        return len(events)
    words = [index for index, event in enumerate(events) if event.is_word]
    if fault.after < len(words):
        return words[fault.after]
    return words[-1] + 1 if words else 1


def now() -> str:
    """Tell the time as text."""
    return datetime.now(UTC).isoformat()
