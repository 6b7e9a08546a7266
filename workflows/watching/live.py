"""`ws/v1/`: one socket that watches many things."""

import asyncio
from typing import Any

from django.conf import settings

from accounts.authentication import authenticate_scope
from accounts.connections import connections
from accounts.models import User
from accounts.passes import pass_of_scope
from core.errors import ChatterError, TooMany, problem
from core.sockets import Socket
from workflows.watching.channels import channels
from workflows.watching.client_messages import (
    ChannelMessage,
    Ping,
    Subscribe,
    named_in,
    read_message,
)
from workflows.watching.patience import patiently
from workflows.watching.sinks import Enveloped
from workflows.watching.staying import first_of, stay

_MOST_UNHEARD = 16  # messages that wait to be heard; then the server reads no more


class TooManySubscriptions(TooMany):
    code = "too_many_subscriptions"
    message = "One socket has at most {limit} subscriptions; end one, or open another socket."


class LiveSocket(Socket):
    """An error in one subscription ends that one, never the socket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user: User | None = None
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue(_MOST_UNHEARD)
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def serve(self) -> None:
        user = await authenticate_scope(self.scope)
        with connections.one_more(user.pk):
            self._user = user
            try:
                await first_of(
                    self._listen(user), stay(pass_of_scope(self.scope), user, self._look)
                )
            finally:
                for key in list(self._tasks):
                    self._end(key)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self._inbox.put(text_data)

    async def _listen(self, user: User) -> None:
        """Do what is asked, one thing after the other; return when nothing is, nor watched."""
        while True:
            try:
                async with asyncio.timeout(settings.LIVE_IDLE_S):
                    text = await self._inbox.get()
            except TimeoutError:
                if self._tasks:
                    continue
                return
            await self.outlet.drained()
            try:
                await self._do(self._user or user, text)
            except Exception as error:
                self._refuse(error, named_in(text))

    async def _do(self, user: User, text: str | None) -> None:
        message = read_message(text)
        if isinstance(message, Ping):
            self.say({"type": "pong", **_ref(message.ref)})
        elif isinstance(message, Subscribe):
            await self._subscribe(user, message)
        else:
            self._end(message.key)
            self.say({"type": "unsubscribed", **_named(message), **_ref(message.ref)})

    async def _subscribe(self, user: User, message: Subscribe) -> None:
        """Subscribed to the same thing before, it begins anew."""
        self._end(message.key)
        if len(self._tasks) >= settings.LIVE_MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions(limit=settings.LIVE_MAX_SUBSCRIPTIONS, retry_after_s=1)
        channel, pk = channels()[message.channel], message.key[1]
        opening = await patiently(channel.open, user, pk, message.cursor)
        named = _named(message)
        self.say({"type": "subscribed", **named, **_ref(message.ref), **opening.snapshot})
        watching = self._watch(message.key, opening.watch(Enveloped(self, named)), named)
        self._tasks[message.key] = asyncio.get_running_loop().create_task(watching)

    async def _watch(self, key: tuple[str, str], watching: Any, named: dict[str, str]) -> None:
        try:
            last = await watching
            if last is not None:
                Enveloped(self, named).say(last)
        except Exception as error:
            self._refuse(error, named)
        if self._tasks.get(key) is asyncio.current_task():
            del self._tasks[key]

    async def _look(self, user: User) -> None:
        """End what this user may no longer watch."""
        self._user = user
        for key in list(self._tasks):
            channel, pk = key
            try:
                await patiently(channels()[channel].check, user, pk)
            except ChatterError as error:
                if self._end(key):
                    self._refuse(error, {"channel": channel, **({"id": pk} if pk else {})})

    def _end(self, key: tuple[str, str]) -> bool:
        task = self._tasks.pop(key, None)
        return task is not None and task.cancel()

    def _refuse(self, error: Exception, named: dict[str, str]) -> None:
        refused = self.chatter_error(error)
        self.say({"type": "error", **named, "problem": problem(refused, self.request_id)})

    def error_body(self, error: ChatterError) -> dict[str, Any]:
        return {"type": "error", "problem": problem(error, self.request_id)}


def _named(message: ChannelMessage) -> dict[str, str]:
    channel, pk = message.key
    return {"channel": channel, **({"id": pk} if pk else {})}


def _ref(ref: str | None) -> dict[str, str]:
    return {} if ref is None else {"ref": ref}
