"""The published description of the websockets, and a client in this process that holds to it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from asgiref.sync import async_to_sync, sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from jsonschema import Draft202012Validator

from accounts.models import User
from accounts.services.tokens import create_token
from chatter_project.websockets import sockets

DOCUMENT = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    return dict(yaml.safe_load(DOCUMENT.read_text()))


def kinds(channel: str, action: str) -> dict[str, str]:
    """The schema of each message by its `type`, of those that are sent or received here."""
    described = document()
    found = {}
    for operation in described["operations"].values():
        of_it = operation["channel"]["$ref"].endswith(f"/{channel}")
        if of_it and operation["action"] == action:
            for reference in operation["messages"]:
                name = reference["$ref"].rpartition("/")[2]
                schema = described["components"]["messages"][name]["payload"]["$ref"]
                found[name] = schema.rpartition("/")[2]
    return found


def check(schema: str, body: Mapping[str, Any]) -> None:
    """Raise ValidationError unless the body is as described."""
    root = {"components": document()["components"], "$ref": f"#/components/schemas/{schema}"}
    Draft202012Validator(root).validate(body)


def check_told(body: Mapping[str, Any]) -> None:
    """What the server says on `ws/v1/`."""
    check(kinds("live", "send")[body["type"]], body)


class Client:
    """One socket; everything it hears and says is checked against the document."""

    def __init__(
        self, token: str = "", path: str = "/ws/v1/", session: str = "", **scope: Any
    ) -> None:
        subprotocols = ["chatter.v1", *([f"token.{token}"] if token else [])]
        cookie = ("cookie", f"{settings.SESSION_COOKIE_NAME}={session}")
        as_browser = [("origin", "http://testserver"), ("host", "testserver"), cookie]
        headers = [(name.encode(), value.encode()) for name, value in as_browser if session]
        self._socket = WebsocketCommunicator(sockets, path, headers, subprotocols)
        self._socket.scope.update(scope)

    async def __aenter__(self) -> "Client":
        accepted, _ = await self._socket.connect()
        assert accepted
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.disconnect()

    async def say(self, **body: Any) -> None:
        check(kinds("live", "receive")[body["type"]], body)
        await self._socket.send_to(json.dumps(body))

    async def say_text(self, text: str) -> None:
        await self._socket.send_to(text)

    async def hear(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(await self._socket.receive_from(timeout=5))
        check_told(body)
        return body

    async def ask(self, **body: Any) -> dict[str, Any]:
        await self.say(**body)
        return await self.hear()

    async def is_given_up(self) -> None:
        """As by a server that waits no longer for its application to end."""
        self._socket.future.cancel()
        await asyncio.gather(self._socket.future, return_exceptions=True)
        await asyncio.sleep(0)

    async def closed_with(self) -> int:
        return int((await self._socket.receive_output(timeout=5))["code"])

    async def is_silent(self) -> bool:
        await asyncio.sleep(0.1)
        return await self._socket.receive_nothing()


def token_of(user: User) -> str:
    return create_token(user=user, name="", by=user)[1]


def heard_by(user: User, do: Callable[[], Awaitable[Any]], number: int) -> list[dict[str, Any]]:
    """So much a user is told of, beside events, while something is done; then no more."""

    async def scenario() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with Client(await sync_to_async(token_of)(user)) as client:
            await client.ask(type="subscribe", channel="user")
            await do()
            while len(found) < number:
                body = await client.hear()
                if body["type"] != "event":
                    found.append(body)
            while not await client.is_silent():
                assert (await client.hear())["type"] == "event"
        return found

    return async_to_sync(scenario)()
