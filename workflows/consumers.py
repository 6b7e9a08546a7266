"""Watch one execution over a websocket."""

from collections.abc import AsyncIterator

import orjson

from accounts.authentication import authenticate_scope
from accounts.models import User
from core.database import database
from core.sockets import WatchConsumer
from workflows.selectors import execution_for
from workflows.tracking.log import Tail


class ExecutionConsumer(WatchConsumer):
    """`ws/executions/{id}/?after=k`: events k+1 … N, then `end`."""

    async def stream(self) -> AsyncIterator[str]:
        user = await watcher(self)
        after = self.number("after")
        execution = await database.run(execution_for, user, self.scope["url_route"]["kwargs"]["pk"])
        with Tail(execution.id, after) as tail:
            async for frame in tail.frames():
                yield frame.text
        yield end_frame(execution.id, tail.seen)


async def watcher(consumer: WatchConsumer) -> User:
    """Who opened this socket. Raises NotAuthenticated."""
    return await authenticate_scope(consumer.scope)


def end_frame(execution_id: object, seq: int) -> str:
    """Said once when no event follows."""
    return orjson.dumps({"type": "end", "execution": str(execution_id), "seq": seq}).decode()
