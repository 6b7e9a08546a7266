"""Runs of several people with calls of models and tools, as they are recorded; some a while ago."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from rest_framework.test import APIClient

from accounts.models import User
from analytics.models import ReplyRating
from analytics.rollups.facts import KINDS
from analytics.rollups.recount import rebuild
from conversations.models import Conversation, Message
from llms.models import ModelCall, ModelPrice
from llms.services.profiles import forget_profiles
from tools.models import ToolCall
from workflows.models import WorkflowExecution
from workflows.services.definitions import create_definition

Door = Callable[[User], APIClient]
AGO = timedelta(days=9)  # before the usual seven days of a report, in the seven before
GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "model", "type": "model", "config": {"tools": ["calculator"]}},
        {"id": "tools", "type": "tools"},
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"source": "start", "source_port": "out", "target": "model"},
        {"source": "model", "source_port": "tool_calls", "target": "tools"},
        {"source": "tools", "source_port": "out", "target": "model"},
        {"source": "model", "source_port": "out", "target": "end"},
    ],
}
SUM = 'use the tool calculator {"expression": "2 * 3"}'
NONSENSE = 'use the tool calculator {"sum": 1}'


def lived(api: Door, drain: Callable[[], None], alice: User, charlie: User) -> str:
    """Alice's workflow, after both have talked: the later half is of now."""
    ModelPrice.objects.update(
        input_nano_usd_per_mtok=1_000_000_000, output_nano_usd_per_mtok=2_000_000_000
    )
    forget_profiles()
    workflow = create_definition(owner=alice, name="Sums", graph=GRAPH)
    for user, text in ((alice, "hello"), (charlie, "hello"), (alice, "please break")):
        say(api(user), text, drain)
    say(api(alice), SUM, drain, definition=str(workflow.pk))
    rated(api(alice), helpful=True)
    _long_ago()
    for text in ("hello", "say 30 words", "please break"):
        say(api(alice), text, drain)
    for text in (SUM, NONSENSE, "hello"):
        run = say(api(alice), text, drain, definition=str(workflow.pk))
    for again in ("replay", "fork"):
        body = {"mode": "background", **({"node": "model", "visit": 1} if again == "fork" else {})}
        told = api(alice).post(f"/api/v1/executions/{run}/{again}/", body)
        assert told.status_code == 202, told.json()
        drain()
    stopped = say(api(alice), "never mind", lambda: None)
    api(alice).post(f"/api/v1/executions/{stopped}/cancel/")
    rated(api(alice), helpful=False)
    say(api(charlie), "hello", drain)
    rated(api(charlie), helpful=True)
    return str(workflow.pk)


def say(client: APIClient, text: str, drain: Callable[[], None], **to: Any) -> str:
    told = client.post("/api/v1/chat/", {"message": text, "mode": "background", **to})
    assert told.status_code == 202, told.json()
    drain()
    run: str = told.json()["execution"]["id"]
    return run


def rated(client: APIClient, *, helpful: bool) -> None:
    """The newest reply of whoever asks."""
    talk = client.get("/api/v1/conversations/").json()["results"]
    for one in talk:
        said = client.get(f"/api/v1/conversations/{one['id']}/messages/").json()["results"]
        for reply in said:
            if reply["role"] == "assistant" and reply["status"] == "complete":
                address = f"/api/v1/conversations/{one['id']}/messages/{reply['id']}/rating/"
                assert client.put(address, {"helpful": helpful}).status_code in (200, 201)
                return
    raise AssertionError("Nothing was answered.")


def _long_ago() -> None:
    """All there is was so long ago; what it used stays."""
    for model in (WorkflowExecution, ModelCall, ToolCall, Conversation, Message, ReplyRating):
        times = {one.name for one in model._meta.fields} & _TIMES
        for row in model._base_manager.all():
            moved = {one: getattr(row, one) - AGO for one in times if getattr(row, one)}
            if model in (ModelCall, ToolCall):
                moved |= {one: _earlier(getattr(row, one)) for one in ("id", "source_call_id")}
            model._base_manager.filter(pk=row.pk).update(**moved)
    for kind in KINDS.values():
        rebuild(kind)


def _earlier(pk: UUID | None) -> UUID | None:
    """The id of that time."""
    return pk and UUID(int=pk.int - (AGO // timedelta(milliseconds=1) << 80))


_TIMES = {"created_at", "started_at", "settled_at", "finished_at"}
