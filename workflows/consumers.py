"""Sockets that watch one thing each: their address says which, their frames have no envelope."""

from functools import partial
from typing import ClassVar

from accounts.authentication import authenticate_scope
from accounts.connections import connections
from accounts.models import User
from accounts.passes import pass_of_scope
from core.sockets import Socket
from workflows.watching.channels import Channel, ExecutionChannel
from workflows.watching.cursor import Cursor
from workflows.watching.patience import patiently
from workflows.watching.sinks import Plain
from workflows.watching.staying import first_of, stay


class OneChannelSocket(Socket):
    """Subclasses say which channel, and where the client was."""

    channel: ClassVar[Channel]

    def cursor(self) -> Cursor:
        """From the query string. Raises Invalid."""
        return Cursor(after=self.number("after"))

    async def serve(self) -> None:
        user = await authenticate_scope(self.scope)
        with connections.one_more(user.pk):
            await first_of(self._watch(user), stay(pass_of_scope(self.scope), user, self._look))

    async def _watch(self, user: User) -> None:
        opening = await patiently(self.channel.open, user, self._pk, self.cursor())
        if opening.snapshot:
            self.say({"type": self.channel.key, **opening.snapshot})
        last = await opening.watch(Plain(self))
        if last is not None:
            self.say(last)

    async def _look(self, user: User) -> None:
        await patiently(partial(self.channel.check, user, self._pk))

    @property
    def _pk(self) -> str:
        return str(self.scope["url_route"]["kwargs"]["pk"])


class ExecutionConsumer(OneChannelSocket):
    """`ws/executions/{id}/?after=k`: events k+1 … N, then `end`."""

    channel = ExecutionChannel()
