"""Where a websocket's share of a log goes: the frames as they are, or each in an envelope."""

from collections.abc import Sequence
from typing import Any

import orjson

from core.sockets import Socket
from workflows.tracking.frames import Frame
from workflows.watching.feed import Batch
from workflows.watching.positions import Positions


class Plain:
    """The frames of the log as they are."""

    _envelope = "%"

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._outlet = socket.outlet

    @property
    def ready(self) -> bool:
        return self._outlet.ready

    async def drained(self) -> None:
        await self._outlet.drained()

    def place(self, positions: Positions, frame: Frame) -> str:
        return ""

    def put(self, batch: Batch, places: Sequence[str]) -> None:
        self._outlet.write(batch.parcel(self._envelope))

    def say(self, body: dict[str, Any]) -> None:
        self._socket.say(body)


class Enveloped(Plain):
    """Each frame in an envelope that says which subscription it belongs to."""

    def __init__(self, socket: Socket, named: dict[str, str]) -> None:
        super().__init__(socket)
        self._named = named
        head = orjson.dumps({"type": "event", **named}).decode()
        self._envelope = head[:-1] + ',"event":%}'

    def say(self, body: dict[str, Any]) -> None:
        rest = {name: value for name, value in body.items() if name != "execution"}
        super().say({**rest, **self._named})
