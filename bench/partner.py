"""The partner: a Django async view that streams the same graph and records nothing.

It is asked twice: in an ordinary Django project, and behind Chatter's own middleware; the
authentication is the same.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.authentication import authenticate_request
from bench.graph import COMMON_MODES, ENGINE_MODES, GRAPH


@csrf_exempt
async def partner(request: HttpRequest) -> HttpResponseBase:
    return await _streamed(request, ENGINE_MODES)


@csrf_exempt
async def talkative_partner(request: HttpRequest) -> HttpResponseBase:
    """The same, with every word as an event of its own."""
    return await _streamed(request, COMMON_MODES)


async def _streamed(request: HttpRequest, modes: Sequence[str]) -> HttpResponseBase:
    await authenticate_request(request)
    message = orjson.loads(request.body)["message"]
    return StreamingHttpResponse(_events(message, modes), content_type="text/event-stream")


async def _events(message: str, modes: Sequence[str]) -> AsyncIterator[bytes]:
    async for mode, step in GRAPH.astream({"text": message}, stream_mode=list(modes)):
        body: Any = {"text": step[0].text} if mode == "messages" else step
        yield b"event: " + mode.encode() + b"\ndata: " + orjson.dumps(body) + b"\n\n"
    yield b"event: end\ndata: {}\n\n"
