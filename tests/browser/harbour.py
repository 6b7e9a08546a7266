"""What the pictures show beside the conversation: a workflow that asks people, what starts runs,
who is told, tools, budgets, and what the back office tells of those who should not have come.
"""

import json
import time
from typing import Any

from httpx2 import Client

from webhooks.signing import sign

MODEL = "demo:chatter-demo"
_FORM = {
    "type": "object",
    "properties": {
        "berth": {"title": "Berth", "enum": ["North pier", "South pier", "Buoy 3"]},
        "nights": {"title": "Nights", "type": "integer", "minimum": 1, "default": 1},
        "note": {"title": "Note to the skipper", "type": "string"},
    },
    "required": ["berth"],
}
_ASKED_FOR = (
    "Hildina, 24 m, asks for a berth from Friday evening; she draws 3.1 m.",
    "Swan LK 243, 20 m, comes in for repairs and cannot say for how long.",
    "Pole Star, 51 m, has two days of work at the buoys off Stromness.",
)
_TOOLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("calculator", {"expression": "12 * 60 - 25"}),
    ("calculator", {"expression": "(11 * 60 - 380) / 40"}),
    ("calculator", {"expression": "24 * 3.75 * 2"}),
    ("calculator", {"expression": "1 / 0"}),
    ("unit_conversion", {"value": 7.2, "from_unit": "knot", "to_unit": "km/h"}),
    ("unit_conversion", {"value": 3.1, "from_unit": "m", "to_unit": "fathom"}),
    ("unit_conversion", {"value": 3.1, "from_unit": "m", "to_unit": "gallon"}),
    ("text_statistics", {"text": "The night ferry does not sail on Sundays. Ask at the pier."}),
    ("json_query", {"query": "sailings[?late].at", "document": {"sailings": []}}),
    ("clock", {"time_zone": "Europe/London"}),
)
_BUDGETS = (
    {"name": "The harbour's month", "unit": "usd", "cap": "40", "period": "month"},
    {"name": "A day's tokens", "unit": "tokens", "cap": "5000000", "period": "day"},
)
_EVENTS = ["execution.completed", "execution.failed", "execution.waiting"]
_SHIPS = ("Hamnavoe", "Daisy", "Varagen", "Earl Thorfinn")
_STRANGERS, _TRIES = ("harbourmaster", "pilot"), 6
_INSIDE = {"arguments": {"url": "http://127.0.0.1:9/keys"}}


def furnish(client: Client) -> dict[str, str]:
    """Make it all by the API; where the pictures of it are."""
    definition = _berths(client)
    parameters = {"model": MODEL, "tools": sorted({key for key, _ in _TOOLS})}
    for tool, arguments in _TOOLS * 3:
        asked = {"message": f"use the tool {tool} {json.dumps(arguments)}"}
        _sent(client, "templates/data_analyst/execute/", {"input": asked, "parameters": parameters})
    counting = [_sent(client, "budgets/", {"scope": "all", **budget}) for budget in _BUDGETS]
    one = {"name": "Berths, in all", "scope": "definition", "of": definition}
    _sent(client, "budgets/", {**one, "unit": "usd", "cap": "5", "period": "total"})
    for _ in range(_TRIES):
        _sent(client, "tools/http_get/call/", _INSIDE)
    return {
        "admin-definition": f"/admin/workflows/workflowdefinition/{definition}/change/",
        "analytics-definition": f"/analytics/definitions/{definition}/?range=24h",
        "definition-calls": f"/analytics/definitions/{definition}/calls/",
        "budget-calls": f"/budgets/{counting[0]['id']}/calls/?of=all",
        "schedule": _by_the_clock(client),
        "webhook-incoming": _called_from_outside(client),
        "webhook-endpoint": _told_outside(client),
    }


def knock(client: Client) -> None:
    """Somebody tries passwords; from here on their names are closed for a while."""
    for name in _STRANGERS:
        for _ in range(_TRIES):
            client.post("/api/v1/auth/token/", json={"username": name, "password": "ahoy"})


def _berths(client: Client) -> str:
    """The workflow, in two versions, and runs of it that are decided or wait; its id."""
    made = _sent(client, "definitions/", {"name": "Berths", "graph": _graph("Sum it up.")})
    address = f"definitions/{made['id']}/"
    again = client.patch(f"/api/v1/{address}", json={"graph": _graph("In one sentence, please.")})
    again.raise_for_status()
    _sent(client, f"{address}versions/2/publish/", {})
    for asked in _ASKED_FOR * 2:
        _sent(client, f"{address}execute/", {"input": {"message": f"say exactly: {asked}"}})
    for waits, berth in zip(_waiting(client), ("North pier", "Buoy 3", None), strict=False):
        decided = {"decision": "approve", "answer": {"berth": berth}}
        refused = {"decision": "reject", "comment": "All berths are taken."}
        _sent(client, f"approvals/{waits}/decide/", decided if berth else refused)
    return str(made["id"])


def _waiting(client: Client) -> list[str]:
    found = client.get("/api/v1/approvals/", params={"status": "pending"})
    return [one["id"] for one in found.json()["results"]]


def _by_the_clock(client: Client) -> str:
    """A schedule that was run twice by hand."""
    times = {"kind": "cron", "cron": "30 6 * * 1-6", "time_zone": "Europe/London"}
    asked = {"input": {"message": "say exactly: High water at 09:12 and 21:40."}}
    runs = {"name": "Tides of the day", "template": "universal_chat", **asked}
    made = _sent(client, "schedules/", {**times, **runs})["id"]
    for _ in range(2):
        _sent(client, f"schedules/{made}/run-now/", {})
    return f"/schedules/{made}/"


def _called_from_outside(client: Client) -> str:
    """A webhook with deliveries."""
    mapping = {"message": '"say exactly: " + payload.ship + " is in."'}
    parameters = {"model": MODEL}
    runs = {"name": "Arrivals", "template": "universal_chat", "parameters": parameters}
    hook = _sent(client, "webhooks/incoming/", {**runs, "mapping": mapping})
    for at, ship in enumerate(_SHIPS):
        body, now = json.dumps({"ship": ship}).encode(), int(time.time())
        signature = sign(hook["secret"], f"arrival-{at}", now, body)
        told = {"webhook-id": f"arrival-{at}", "webhook-timestamp": str(now)}
        headers = {"Content-Type": "application/json", "webhook-signature": signature, **told}
        client.post(hook["path"], content=body, headers=headers).raise_for_status()
    return f"/webhooks/in/{hook['id']}/"


def _told_outside(client: Client) -> str:
    told = {"name": "The desk", "url": "https://desk.example/in", "events": _EVENTS}
    return f"/webhooks/out/{_sent(client, 'webhooks/endpoints/', told)['id']}/"


def _graph(system: str) -> dict[str, Any]:
    ask = {"question": "Which berth does she get?", "form": _FORM, "deadline_s": 7 * 86_400}
    granted = {"template": "Granted by {{nodes.ask.by}}: {{nodes.ask.answer.berth}}."}
    nodes = [
        ("start", "start", 0, 0, {}),
        ("summary", "model", 1, 0, {"system": system, "model": MODEL}),
        ("ask", "approval", 2, 0, ask),
        ("granted", "prompt", 3, 0, granted),
        ("refused", "prompt", 3, 1, {"template": "Not today. {{nodes.ask.comment}}"}),
        ("end", "end", 4, 0, {}),
    ]
    edges = ["start>summary", "summary>ask", "ask.approved>granted", "ask.rejected>refused",
             "granted>end", "refused>end"]  # fmt: skip
    return {
        "nodes": [
            {"id": key, "type": kind, "config": config, "position": {"x": x * 200, "y": y * 150}}
            for key, kind, x, y, config in nodes
        ],
        "edges": [_edge(one) for one in edges],
    }


def _edge(text: str) -> dict[str, str]:
    source, target = text.split(">")
    node, _, port = source.partition(".")
    return {"source": node, "source_port": port or "out", "target": target}


def _sent(client: Client, address: str, body: dict[str, Any]) -> Any:
    answer = client.post(f"/api/v1/{address}", json=body)
    assert answer.status_code < 300, (address, answer.text)
    return answer.json()
