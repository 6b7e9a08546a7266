"""What came of a run, in the words of `expect`."""

from collections.abc import Iterable, Sequence
from typing import Any

from audit.verification import verify
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.conformance.log import Events, assert_in_order, by, calls_in, told_by, written_out
from tests.conformance.scripted import wanted
from tests.conformance.stage import Stage, Wire
from tests.drills.mortal import events_of
from tests.wire import Record, WireServer
from tools.models import ToolCall
from workflows.models import WorkflowExecution


def refused(told: Any) -> list[str]:
    """Why it did not start: what is wrong with the graph, or the answer's code."""
    body = told.json()
    issues = body.get("detail", body).get("errors") or []
    errors = [issue for issue in issues if issue.get("severity") == "error"]
    return [f"{one['code']} {one['path']}".strip() for one in errors] or [body["code"]]


def came_of(stage: Stage, execution: WorkflowExecution, wire: Wire) -> dict[str, Any]:
    """All that a file can expect of a run, as the API, the log and the ledger tell it."""
    shown = stage.client.get(f"/api/v1/executions/{execution.pk}/").json()
    events = events_of(execution)
    output, error = shown["output"] or {}, shown["error"]
    return {
        "status": shown["status"],
        "output": output.get("text"),
        "variables": output.get("variables", {}),
        "error": error and {"code": error["code"], "node": error["node"]},
        "refused": [],
        "ran": list(_visits(events)),
        "calls": calls_of(execution),
        "tool_calls": tool_calls_of(execution),
        "sent": stage.web.sent if stage.web else [],
        "shown": list(_shown(events)),
        "asked": [list(record.said) for record in _requests(execution, wire)],
        "options": [_set(record) for record in _requests(execution, wire)],
        "events": told_by(events),
        "usage": {**shown["totals"], **shown["totals"]["usage"]},
    }


def expected(stage: Stage, seen: dict[str, Any]) -> dict[str, Any]:
    """What the file says, in the form of `came_of`; what it is silent about is as it was seen."""
    told: dict[str, Any] = stage.named(stage.case.expect.model_dump())
    for name in ("asked", "events", "options", "shown"):
        if told[name] is None:
            told[name] = seen[name]
    told["events"] = written_out(told["events"], seen["events"])
    if told["asked"] is not seen["asked"]:
        told["asked"] = [list(map(_line, request)) for request in told["asked"]]
    told["usage"] = {**seen["usage"], **told["usage"]}
    told["ran"] = _in_order_of(told["ran"], seen["ran"])
    for name in ("calls", "tool_calls"):
        told[name] = sorted(told[name])
    return told


def calls_of(execution: WorkflowExecution) -> list[str]:
    rows = ModelCall.objects.filter(origin=execution.origin).order_by("attempt")
    return sorted(
        _line_of(f"{row.node} {row.visit}.{row.call_index} {row.status} {row.error_code}", row)
        for row in rows
    )


def tool_calls_of(execution: WorkflowExecution) -> list[str]:
    rows = ToolCall.objects.filter(origin=execution.origin).order_by("attempt")
    return sorted(
        _line_of(
            f"{row.node} {row.visit}.{row.call_index} {row.tool} {row.status} {row.error_code}", row
        )
        for row in rows
    )


def _line_of(told: str, row: ModelCall | ToolCall) -> str:
    return told.strip() + by(row.answered_by)


def assert_sound(execution: WorkflowExecution, wire: WireServer) -> None:
    """What holds when a run is over, whatever it was, and nothing else is under way."""
    assert_ended(execution, wire)
    assert_books_are_right()


def assert_ended(execution: WorkflowExecution, wire: Wire) -> None:
    """What holds of every run that is over."""
    execution.refresh_from_db()
    assert execution.over
    events = events_of(execution)
    assert events[-1]["type"] == f"execution.{execution.status}"
    made = {"model": calls_of(execution), "tool": tool_calls_of(execution)}
    ended = {kind: [line for line in lines if " lost" not in line] for kind, lines in made.items()}
    assert {kind: calls_in(events, kind) for kind in made} == ended
    assert_in_order(events, lost=sum(map(len, made.values())) - sum(map(len, ended.values())))
    rows = set(map(str, ModelCall.objects.values_list("pk", flat=True)))
    sent = [record.call for record in wire.meter.settled()]
    assert len(sent) == len(set(sent))
    assert set(sent) <= rows


def assert_books_are_right() -> None:
    """What holds of everything together, when nothing is under way."""
    assert not ModelCall.objects.filter(status="open").exists()
    assert not ToolCall.objects.filter(status="open").exists()
    assert list(all_differences()) == []
    assert verify().ok


def assert_script_was_played(stage: Stage, wire: Wire) -> None:
    """The outside was asked as often as the file has answers, no more and no less."""
    case = stage.case
    least, most = wanted(case.model)
    assert least <= len(wire.meter.settled()) <= most, "The model was not asked as often as told."
    if case.tools:
        least, most = wanted(case.tools)
        assert least <= len(stage.lines.called) <= most, "The tool was not called as often as told."


_SHOWN = {"node.input": "<", "node.output": ">"}
_ALWAYS = {"model", "stream", "stream_options", "max_tokens"}


def _visits(events: Events) -> Iterable[str]:
    for event in events:
        data = event["data"]
        if event["type"] == "node.finished":
            yield data["node"] if data["port"] == "out" else f"{data['node']}.{data['port']}"
        elif event["type"] == "node.failed":
            yield f"{data['node']}!{data['code']}"


def _shown(events: Events) -> Iterable[str]:
    """What debug mode tells of texts."""
    for event in events:
        if event["type"] in _SHOWN:
            text = event["data"]["data"]["text"]
            yield f"{event['data']['node']} {_SHOWN[event['type']]} {text}"


def _requests(execution: WorkflowExecution, wire: Wire) -> list[Record]:
    own = set(
        map(str, ModelCall.objects.filter(origin=execution.origin).values_list("pk", flat=True))
    )
    return [record for record in wire.meter.settled() if record.call in own]


def _set(record: Record) -> dict[str, Any]:
    """What differs from one question to another."""
    return {name: value for name, value in record.options.items() if name not in _ALWAYS}


def _line(message: Any) -> str:
    """YAML reads `user: hello` as a mapping."""
    if isinstance(message, str):
        return message
    return "\n".join(
        f"{role}: {text if text is not None else ''}" for role, text in message.items()
    )


def _in_order_of(told: Sequence[str | list[str]], seen: Sequence[str]) -> list[str]:
    """What was told, with what may come in any order as it came."""
    lines: list[str] = []
    for one in told:
        if isinstance(one, str):
            lines.append(one)
            continue
        branches = [branch.split(" > ") for branch in one]
        nodes = [node for branch in branches for node in branch]
        came = list(seen[len(lines) : len(lines) + len(nodes)])
        is_so = sorted(came) == sorted(nodes) and all(
            [node for node in came if node in branch] == branch for branch in branches
        )
        lines += came if is_so else nodes
    return lines
