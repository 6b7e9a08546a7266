"""Daphne, which notices clients that do not read or do not stop talking.

An answer that fails halfway is cut off, so that nobody takes it for whole. A server that stops says
so, and first answers the requests that it has.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from daphne import server as daphne
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import defer
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection
from zope.interface import implementer

from core.events import bell
from core.outlets import EXTENSION, Parcel
from core.sockets import say_goodbye

_TAKES_LEAVE_S = 0.3
_ANSWERS_WITHIN_S = 5.0  # what is still asked of a server that stops
_MOST_BYTES = 4 * 2**20  # as the proxy of `deploy/` takes; no view takes so many
_MOST_UNHEARD = 16  # messages; those of one read (64 KiB) come on top
_LOOKS_AFTER_S = 0.02
_READS_WITHIN_S = 60.0  # what it was told before its socket is closed


@implementer(IPushProducer)
class DaphneOutlet:
    """Twisted pauses a producer when 64 KiB wait to be sent, and resumes it when none do.

    `send` of daphne neither waits nor tells, so without this the memory of a server grows with the
    slowness of its clients.
    """

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._drained = asyncio.Event()
        self._drained.set()
        if isinstance(protocol, WebSocketProtocol):
            self._consumer = protocol.transport
            self._consumer.unregisterProducer()  # the HTTP channel that was upgraded
        else:
            self._consumer = protocol
        self._consumer.registerProducer(self, True)

    @property
    def ready(self) -> bool:
        return self._drained.is_set()

    async def drained(self) -> None:
        await self._drained.wait()

    def write(self, parcel: Parcel) -> None:
        if self._protocol.state == WebSocketProtocol.STATE_OPEN:
            unsent = self._sent_at_once(parcel.framed)
            if unsent:
                self._protocol.transport.write(unsent)

    def _sent_at_once(self, data: bytes) -> bytes:
        """What the kernel did not take; a write by way of the reactor costs three calls more."""
        transport = self._protocol.transport
        waiting = not isinstance(transport, Connection) or transport.TLS
        if waiting or transport.dataBuffer or transport._tempDataLen or transport.disconnecting:
            return data
        taken = transport.writeSomeData(data)
        return data[taken:] if isinstance(taken, int) else data

    async def close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_TAKES_LEAVE_S):
                await self.drained()
        request = self._protocol
        if not isinstance(request, WebSocketProtocol) and request.producer and request.channel:
            request.unregisterProducer()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._drained.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._drained.set()
        transport = self._consumer
        if getattr(transport, "disconnecting", False):
            transport.unregisterProducer()  # else nobody ends the connection

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._drained.set()


class Inbox:
    """What a websocket's client said and nobody has heard; beyond some messages it is not read.

    Daphne's own queue has no end, so without this a client that talks faster than it is answered
    makes the memory of a server grow.
    """

    def __init__(self, queue: asyncio.Queue[Any], transport: Any) -> None:
        self._queue = queue
        self._transport = transport
        self._paused = False

    def put_nowait(self, message: Any) -> None:
        self._queue.put_nowait(message)
        if not self._paused and self._queue.qsize() >= _MOST_UNHEARD:
            self._paused = True
            self._transport.pauseProducing()
            self._look_later()

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(_LOOKS_AFTER_S, self._look)

    def _look(self) -> None:
        if self._queue.qsize() >= _MOST_UNHEARD and self._transport.connected:
            self._look_later()
            return
        self._paused = False
        if self._transport.connected and not self._transport.disconnecting:
            self._transport.resumeProducing()


class Request(WebRequest):
    """What no view reads of a body is neither kept nor looked at."""

    def __init__(self, channel: Any, queued: Any = False) -> None:
        # Else Twisted reads forms for itself: 20 MB of them kept a process busy for half a minute.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self._came = 0

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._came += len(data)
        if self._came <= _MOST_BYTES:
            super().handleContentChunk(data)

    def requestReceived(self, *line: bytes) -> None:  # noqa: N802 - Twisted's name
        """A view refuses a body by the length that is told; one in chunks comes without.

        Where the site lies, daphne would have a client say: links and redirects would follow it.
        """
        self.requestHeaders.removeHeader(b"daphne-root-path")
        if self._came:
            self.requestHeaders.setRawHeaders(b"content-length", [b"%d" % self._came])
        super().requestReceived(*line)

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Twisted drops the body of an answer to HEAD where it is asked to write, which daphne asks
        past it: all but the first piece would be taken for the next answer of the connection.
        """
        if self.method == b"HEAD" and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        super().handle_reply(message)

    def finish(self) -> None:
        """A server that stops is asked nothing more over this connection."""
        if self.server.leaving and self.channel is not None:
            self.channel.persistent = False
        super().finish()

    def handle_exception(self, exception: BaseException) -> None:
        """Cut off what has begun: whoever waits for the rest is to know that it is not the whole.

        Daphne would begin another answer, fail, and look after its connections no more.
        """
        if self._response_started:
            self.loseConnection()
        else:
            super().handle_exception(exception)


class Requests(HTTPFactory):
    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol


class Sockets(WebSocketFactory):
    def setProtocolOptions(self, **options: Any) -> None:  # noqa: N802 - Autobahn's name
        """Autobahn would cut off a socket a second after its end was told, with all that is still
        on its way.
        """
        super().setProtocolOptions(closeHandshakeTimeout=_READS_WITHIN_S, **options)


class Server(daphne.Server):
    leaving = False

    def run_unless(self, stopped: Callable[[], bool]) -> None:
        """Serve until told to stop, also if that was before there was anybody to be told."""
        daphne.reactor.callWhenRunning(lambda: self.stop() if stopped() else None)
        self.run()

    def run(self) -> None:
        daphne.HTTPFactory = Requests  # by these names it makes its own
        daphne.WebSocketFactory = Sockets
        self._ports: list[Any] = []
        super().run()

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        scope.setdefault("extensions", {})[EXTENSION] = partial(DaphneOutlet, protocol)
        queue = super().create_application(protocol, scope)
        talks = isinstance(protocol, WebSocketProtocol) and queue is not None
        return Inbox(queue, protocol.transport) if talks else queue

    def kill_all_applications(self) -> Any:
        """Before the reactor stops: those who watch are told, so that they come back at once, and
        those who asked something are answered.
        """
        leaving = asyncio.ensure_future(self._take_leave())
        left = defer.Deferred.fromFuture(leaving)
        left.addBoth(lambda _: super(Server, self).kill_all_applications())
        return left

    async def _take_leave(self) -> None:
        self.leaving = True
        for port in self._ports:
            port.stopListening()
        await say_goodbye()
        bell.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                await self._answer_the_last()

    async def _answer_the_last(self) -> None:
        """Return once nothing was asked for a while, and what was written has gone out."""
        while True:
            await asyncio.sleep(_TAKES_LEAVE_S)
            asked = self._asked()
            if not asked:
                return
            await asyncio.wait(asked)

    def _asked(self) -> list[asyncio.Future[Any]]:
        """Requests that are not answered yet."""
        return [
            answering
            for protocol, details in self.connections.items()
            if not isinstance(protocol, WebSocketProtocol)
            and (answering := details.get("application_instance")) is not None
            and not answering.done()
        ]


loop: asyncio.AbstractEventLoop = daphne.twisted_loop
