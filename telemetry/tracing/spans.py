"""The spans of an execution that has ended, from its row, its log and its ledger.

The execution is the root; each visit of a node is one below what it runs within; each attempt at a
call is one below its node. So nothing is measured twice, and a run that several processes took up
is one trace.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from core import clock
from core.money import dollars_text
from llms.models import AnsweredBy, ModelCall
from telemetry.tracing import conventions as otel
from tools.models import ToolCall
from workflows.engine.paths import around
from workflows.models import ExecutionEvent, WorkflowExecution

Key = tuple[Any, ...]
Attributes = dict[str, Any]
Parts = list[dict[str, Any]]
ROOT: Key = ()
_TOLD = frozenset(
    {
        *("execution.started", "execution.resumed", "execution.handed_back", "execution.waiting"),
        *("execution.cancelling", "limit.reached", "approval.requested", "approval.decided"),
    }
)


@dataclass(slots=True)
class Span:
    """`parent` is the key of another; only the root has none. `error` is a code, or empty.

    `moments` are names and times of what happened within. `asks` tells that another service was
    asked. `remote` is the caller's span, as W3C Trace Context writes it.
    """

    key: Key
    parent: Key | None
    name: str
    began: datetime
    ended: datetime
    attributes: Attributes
    error: str = ""
    asks: bool = False
    moments: list[tuple[str, datetime]] = field(default_factory=list)
    remote: str = ""


def spans_of(execution_id: UUID) -> list[Span]:
    """All of them, each behind its parent; none where the execution is gone."""
    execution = WorkflowExecution.objects.filter(pk=execution_id).first()
    if execution is None:
        return []
    root = _root(execution)
    spans = {root.key: root}
    for event in _events(execution_id):
        _take(event, spans)
    for call in ModelCall.objects.filter(origin=execution.origin).order_by("id"):
        _add(_model_call(call, root.attributes.get(otel.CONVERSATION)), spans)
    for tool_call in ToolCall.objects.filter(origin=execution.origin).order_by("id"):
        _add(_tool_call(tool_call), spans)
    for span in spans.values():
        if span.error:
            span.attributes[otel.ERROR_TYPE] = span.error
    return list(spans.values())


def _events(execution_id: UUID) -> Iterator[Mapping[str, Any]]:
    for row in ExecutionEvent.objects.after(execution_id, 0).iterator():
        yield from map(orjson.loads, row.frames.split("\n"))


def _take(event: Mapping[str, Any], spans: dict[Key, Span]) -> None:
    """What an event of the log adds."""
    root, kind, data = spans[ROOT], event["type"], event["data"]
    if kind == "execution.created":
        _take_birth(root, data)
    elif kind == "node.started":
        _add(_node(data, event["at"], root.ended), spans)
    elif kind in ("node.finished", "node.failed"):
        span = spans.get((data["node"], data["visit"]))
        if span is not None:
            span.ended, span.error = _time(event["at"]), data.get("code", "")
            span.attributes["chatter.node.port"] = data.get("port", "")
    elif kind in _TOLD:
        root.moments.append((kind, _time(event["at"])))


def _take_birth(root: Span, data: Mapping[str, Any]) -> None:
    """Names that the row does not have, or that may have changed."""
    root.remote = data.get("traceparent") or ""
    workflow = data["template"] or data["definition"] or root.attributes["chatter.execution.kind"]
    root.name = f"{otel.INVOKE_WORKFLOW} {workflow}"
    root.attributes[otel.WORKFLOW] = workflow
    if data["conversation"]:
        root.attributes[otel.CONVERSATION] = data["conversation"]


def _root(execution: WorkflowExecution) -> Span:
    attributes = {
        otel.OPERATION: otel.INVOKE_WORKFLOW,
        "user.id": str(execution.user_id),
        "chatter.request.id": execution.request_id,
        "chatter.execution.id": str(execution.id),
        "chatter.execution.kind": execution.kind,
        "chatter.execution.cause": execution.cause,
        "chatter.execution.status": execution.status,
        "chatter.execution.attempts": execution.attempt,
        "chatter.cost_usd": dollars_text(execution.cost_nano_usd),
    }
    if execution.rerun:
        attributes["chatter.execution.rerun"] = execution.rerun
        attributes["chatter.execution.source"] = str(execution.source_id)
    if settings.TRACES_CONTENT:
        asked, told = execution.input.get("message"), (execution.output or {}).get("text")
        attributes |= _said(otel.INPUT_MESSAGES, _text(asked), role="user")
        attributes |= _told(_text(told), "stop")
    return Span(
        key=ROOT,
        parent=None,
        name=otel.INVOKE_WORKFLOW,
        began=execution.created_at,
        ended=execution.finished_at or clock.now(),
        attributes=attributes,
        error=(execution.error or {}).get("code", ""),
    )


def _node(data: Mapping[str, Any], at: str, ended: datetime) -> Span:
    """Until it says how it ended: cut off with the execution."""
    attributes = {
        "chatter.node.id": data["node"],
        "chatter.node.kind": data["kind"],
        "chatter.node.visit": data["visit"],
    }
    name = f"{data['kind']} {data['node']}"
    key = (data["node"], data["visit"])
    return Span(key, ROOT, name, _time(at), ended, attributes)


def _model_call(call: ModelCall, conversation: str | None) -> Span:
    attributes: Attributes = {
        otel.OPERATION: otel.CHAT,
        otel.PROVIDER: otel.provider_name(call.provider_kind),
        otel.CONVERSATION: conversation,
        otel.REQUEST_MODEL: call.model,
        otel.STREAM: call.streamed or None,
        otel.RESPONSE_MODEL: call.served_model or None,
        otel.FINISH_REASONS: [call.finish_reason] if call.finish_reason else None,
        otel.FIRST_CHUNK_S: None if call.first_token_ms is None else call.first_token_ms / 1000,
        **_usage(call),
        **{name: call.parameters.get(ours) for ours, name in otel.PARAMETERS.items()},
        "chatter.call.id": str(call.id),
        "chatter.call.attempt": call.attempt,
        "chatter.call.purpose": call.purpose,
        "chatter.call.exactness": call.exactness,
        "chatter.call.answered_by": call.answered_by,
        "chatter.provider": call.provider,
        "chatter.provider.request_id": call.provider_request_id or None,
        "chatter.request.id": call.request_id,
    }
    if call.cost_nano_usd is not None:
        attributes["chatter.cost_usd"] = dollars_text(call.cost_nano_usd)
    if settings.TRACES_CONTENT:
        attributes |= _told(_parts(call.answer or {}), call.finish_reason or "error")
    asks = call.answered_by == AnsweredBy.PROVIDER
    return _call(call, f"{otel.CHAT} {call.model}", attributes, asks=asks)


def _usage(call: ModelCall) -> Attributes:
    """What is not known is not told; the conventions' sums include what ours keep apart."""
    if call.total_tokens is None:
        return {}
    prompt = (call.input_tokens, call.cache_read_tokens, call.cache_write_tokens)
    return {
        otel.INPUT_TOKENS: sum(part or 0 for part in prompt),
        otel.CACHE_READ_TOKENS: call.cache_read_tokens,
        otel.CACHE_WRITE_TOKENS: call.cache_write_tokens,
        otel.OUTPUT_TOKENS: (call.output_tokens or 0) + (call.reasoning_tokens or 0),
        otel.REASONING_TOKENS: call.reasoning_tokens,
    }


def _tool_call(call: ToolCall) -> Span:
    attributes: Attributes = {
        otel.OPERATION: otel.EXECUTE_TOOL,
        otel.TOOL: call.tool,
        "chatter.call.id": str(call.id),
        "chatter.call.attempt": call.attempt,
        "chatter.call.answered_by": call.answered_by,
        "chatter.request.id": call.request_id,
    }
    if settings.TRACES_CONTENT:
        attributes[otel.TOOL_ARGUMENTS] = orjson.dumps(call.arguments).decode()
        attributes[otel.TOOL_RESULT] = call.text
    return _call(call, f"{otel.EXECUTE_TOOL} {call.tool}", attributes)


def _call(
    call: ModelCall | ToolCall, name: str, attributes: Attributes, *, asks: bool = False
) -> Span:
    """Of either ledger. The parent is sought by its node."""
    return Span(
        key=(type(call), call.id),
        parent=(call.node, call.visit),
        name=name,
        began=call.started_at,
        ended=call.settled_at or call.started_at,
        attributes=attributes,
        error=call.error_code,
        asks=asks,
    )


def _add(span: Span, spans: dict[Key, Span]) -> None:
    """Put it below the innermost that is there."""
    here: Key = span.parent or span.key
    within = [here, *around(here[0])]
    span.parent = next((key for key in within if key in spans and key != span.key), ROOT)
    spans[span.key] = span


def _told(parts: Parts, finish_reason: str) -> Attributes:
    return _said(otel.OUTPUT_MESSAGES, parts, role="assistant", finish_reason=finish_reason)


def _said(name: str, parts: Parts, **message: str) -> Attributes:
    if not parts:
        return {}
    return {name: orjson.dumps([{**message, "parts": parts}]).decode()}


def _parts(answer: Mapping[str, Any]) -> Parts:
    """What a model said, and the tools it asked for."""
    called = [
        {"type": "tool_call", "id": one["id"], "name": one["name"], "arguments": one["args"]}
        for one in answer.get("tool_calls", ())
    ]
    return [*_text(answer.get("text")), *called]


def _text(content: str | None) -> Parts:
    return [{"type": "text", "content": content}] if content else []


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
