"""One server, two ways to tell many: `python -m bench.fanout_server PORT`.

`/ws/v1/` is Chatter's: events are committed, then told. `/ws/stock/` is the partner: a consumer as
the manual of Channels has it, which sends what comes from its group; nothing is committed.
"""

import asyncio
import sys
import time
from typing import Any

import django

django.setup()

import orjson  # noqa: E402 - after Django is set up
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path, re_path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from accounts.authentication import authenticate_request  # noqa: E402
from accounts.models import User  # noqa: E402
from chatter_project.asgi import application as chatter  # noqa: E402
from chatter_project.server import Server  # noqa: E402
from core import clock  # noqa: E402
from core.database import database  # noqa: E402
from core.garbage import leave_what_is_loaded  # noqa: E402
from workflows.models import WorkflowExecution, WorkflowVersion  # noqa: E402
from workflows.tracking.facts import EventsHappened, Unit  # noqa: E402
from workflows.tracking.frames import frame  # noqa: E402
from workflows.tracking.writer import writer  # noqa: E402

_GROUP = "bench"
_TEXT = "twenty words or so of an answer that a model gives " * 3


class Stock(AsyncWebsocketConsumer):
    """The partner."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(_GROUP, self.channel_name)
        await self.accept("chatter.v1")

    async def told(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


@csrf_exempt
async def publish(request: HttpRequest) -> JsonResponse:
    """Tell `count` events to all who watch, `per_s` in a second (0: as fast as it goes)."""
    user = await authenticate_request(request)
    asked = orjson.loads(request.body)
    tell = _told_by_hub if asked["to"] == "hub" else _told_by_group
    execution = await database.run(_execution, user)
    began = time.perf_counter()
    for seq in range(1, asked["count"] + 1):
        if asked["per_s"]:
            await asyncio.sleep(began + seq / asked["per_s"] - time.perf_counter())
        data = {"t": time.monotonic_ns(), "text": _TEXT}
        await tell(execution, frame(execution.id, seq, "text.delta", clock.now(), data))
    return JsonResponse({"seconds": time.perf_counter() - began})


def _execution(user: User) -> WorkflowExecution:
    """Of no graph; the events are all there is to it."""
    version = WorkflowVersion.objects.first()
    return WorkflowExecution.objects.create(
        user=user, version=version, kind="custom", status="waiting"
    )


async def _told_by_hub(execution: WorkflowExecution, event: Any) -> None:
    await writer.commit(Unit([EventsHappened(execution.id, execution.user_id, "", [event])]))


async def _told_by_group(execution: WorkflowExecution, event: Any) -> None:
    await get_channel_layer().group_send(_GROUP, {"type": "told", "text": event.text})


def serve(port: str) -> None:
    stock: Any = Stock.as_asgi()
    mine: Any = chatter.application_mapping["websocket"]
    sockets = URLRouter([path("ws/stock/", stock), re_path("", mine)])
    application = ProtocolTypeRouter({**chatter.application_mapping, "websocket": sockets})
    database.start()
    writer.start()
    leave_what_is_loaded()
    endpoint = f"tcp:port={port}:interface=127.0.0.1:backlog=1024"
    Server(application, endpoints=[endpoint], websocket_handshake_timeout=60).run()


if __name__ == "__main__":
    serve(sys.argv[1])
