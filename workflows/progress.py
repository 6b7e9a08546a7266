"""What a watcher knows: a snapshot, and how each event changes it (pure).

`{status, text, calls, nodes, last, seq}`: the text of all answers in the order in which they
began, and the terminal event's data once it is there.
"""

from collections.abc import Mapping
from typing import Any

from workflows.engine.events import TERMINAL_TYPES

_UNDER_WAY = {
    "execution.started": "running",
    "execution.resumed": "running",
    "execution.handed_back": "pending",
    "execution.waiting": "waiting",
}
_NODE = frozenset({"node.started", "node.finished", "node.failed"})
_STATUS = {kind: status for status, kind in TERMINAL_TYPES.items()}


def status_of(kind: str) -> str:
    """The state that a terminal event tells of."""
    return _STATUS[kind]


def empty() -> dict[str, Any]:
    return {"status": "pending", "texts": {}, "nodes": {}, "last": None, "seq": 0}


def apply(snapshot: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot after this event; one that was applied before changes nothing."""
    if event["seq"] <= snapshot["seq"]:
        return dict(snapshot)
    after = {**snapshot, "seq": event["seq"]}
    kind, data = event["type"], event["data"]
    if kind in _UNDER_WAY:
        after["status"] = _UNDER_WAY[kind]
    elif kind in _NODE:
        after["nodes"] = {**snapshot["nodes"], data["node"]: kind.removeprefix("node.")}
    elif kind == "model.started" and data["purpose"] == "answer":
        after["texts"] = {**snapshot["texts"], _call(data): ""}
    elif kind == "text.delta":
        before = snapshot["texts"].get(_call(data), "")
        after["texts"] = {**snapshot["texts"], _call(data): before + data["text"]}
    elif kind in _STATUS:
        after["status"], after["last"] = _STATUS[kind], data
    return after


def text_of(snapshot: Mapping[str, Any]) -> str:
    """What has been answered so far."""
    return "\n\n".join(filter(None, snapshot["texts"].values()))


def _call(data: Mapping[str, Any]) -> str:
    return f"{data['node']}/{data['visit']}/{data['call']}"
