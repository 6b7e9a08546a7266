"""One session with an MCP server: opened, asked, closed."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import anyio
import httpx
import structlog
from pydantic import BaseModel, ValidationError

from core.egress import guarded_transport
from core.errors import ChatterError
from core.secret_texts import masked
from tools.base import ToolFailed
from tools.mcp.endpoint import SSE, STDIO, Endpoint, command_of
from tools.mcp.holding import Held, held_open
from tools.mcp.trouble import Lines, Trouble, Unreadable
from tools.mcp.wire import ServerAnswered, Wire

T = TypeVar("T", bound=BaseModel)
# A process that leaves while it is written to breaks its pipe instead of answering.
_GONE = (httpx.HTTPError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
_TOLD_CHARACTERS, _TOLD_FLAWS = 1_000, 10
_CLOSED = (-32000, "Connection closed")  # as the client itself says it; servers use the code too
log = structlog.get_logger(__name__)


class McpUnreachable(ChatterError):
    code = "mcp_unreachable"
    status = 502
    message = "The MCP server '{server}' cannot be reached, or broke off."


class McpBroken(ChatterError):
    code = "mcp_protocol_error"
    status = 502
    message = "The MCP server '{server}' does not keep to the protocol."


class McpTimedOut(ChatterError):
    code = "mcp_timed_out"
    status = 504
    message = "The MCP server '{server}' did not answer within {limit_s} s."


class _Library(NamedTuple):
    sessions: ModuleType
    types: ModuleType
    errors: ModuleType


@cache
def _load() -> _Library:
    """Takes 1.8 s and 50 MB, so only processes that speak to a server have it."""
    import mcp.shared.exceptions as errors  # noqa: PLC0415
    from langchain_mcp_adapters import sessions  # noqa: PLC0415
    from mcp import types  # noqa: PLC0415

    return _Library(sessions, types, errors)


class Session:
    """`about` is what the server said of itself. Nothing it says repeats the endpoint's secrets."""

    def __init__(
        self, held: Held[Any], endpoint: Endpoint, library: _Library, wire: Trouble
    ) -> None:
        self._endpoint = endpoint
        self._session = held.thing
        self._holding = held.holding
        self._wire = wire
        self.types = library.types
        self.about: Any = None

    async def initialize(self) -> None:
        self.about = await self._answer(self._session.initialize())

    async def tools(self, cursor: str | None) -> Any:
        """One page of the list, a `ListToolsResult`."""
        params = self.types.PaginatedRequestParams(cursor=cursor)
        return await self._answer(self._session.list_tools(params=params))

    async def call(self, tool: str, arguments: dict[str, Any]) -> Any:
        """A `CallToolResult`; the library's own `call_tool` would ask for the whole list first."""
        types = self.types
        params = types.CallToolRequestParams(name=tool, arguments=arguments)
        request = types.ClientRequest(types.CallToolRequest(params=params))
        return await self._answer(self._session.send_request(request, types.CallToolResult))

    async def _answer(self, question: Coroutine[Any, Any, T]) -> T:
        """What comes first: the answer, or trouble on the wire."""
        asking = asyncio.ensure_future(question)
        breaking = asyncio.ensure_future(self._wire.broken.wait())
        waited = {asking, breaking, self._holding}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done() and self._wire.trouble is not None:
                raise self._wire.trouble
            if not asking.done():
                await self._holding  # raises what broke it
            return await asyncio.to_thread(_without_secrets, await asking, self._endpoint)
        finally:
            asking.cancel()
            breaking.cancel()


@asynccontextmanager
async def session_with(endpoint: Endpoint) -> AsyncIterator[Session]:
    """A session that has been opened; it ends with the block. Starts a process for stdio.

    Raises ChatterError for whatever goes wrong with the server; there is no limit of time.
    """
    library = await asyncio.to_thread(_load)
    wire: Wire | Lines = Lines()
    if endpoint.transport != STDIO:
        wire = Wire(await guarded_transport(), in_place=endpoint.transport != SSE)
    connection = _connection(endpoint, wire)
    try:
        async with held_open(library.sessions.create_session(connection)) as held:
            session = Session(held, endpoint, library, wire)
            await session.initialize()
            yield session
    except Exception as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # What broke while we were stopped is not told, but that we were.
            raise asyncio.CancelledError from error
        raise _explained(error, endpoint, library, wire) from error


def _without_secrets(answer: T, endpoint: Endpoint) -> T:
    """Runs in a thread: an answer may be megabytes."""
    if not endpoint.secrets:
        return answer
    told = answer.model_dump(by_alias=True)
    hidden = masked(told, endpoint.secrets)
    return answer if hidden is told else type(answer).model_validate(hidden)


def _connection(endpoint: Endpoint, wire: Wire | Lines) -> dict[str, Any]:
    if isinstance(wire, Lines):
        command = command_of(endpoint.command)
        return {
            "transport": STDIO,
            "command": command.program,
            "args": list(command.arguments),
            "env": dict(command.environment),
            "session_kwargs": {"message_handler": wire.hear},
        }
    return {
        "transport": SSE if endpoint.transport == SSE else "streamable_http",
        "url": endpoint.url,
        "headers": {"User-Agent": "Chatter", **endpoint.headers},
        "timeout": endpoint.timeout_s,
        "sse_read_timeout": None,  # who asks says how long to wait for an answer
        "httpx_client_factory": wire.client,
        "session_kwargs": {"message_handler": wire.hear},
    }


def _explained(
    error: Exception, endpoint: Endpoint, library: _Library, wire: Trouble
) -> ChatterError:
    """What went wrong, in our own words: the cause on the wire outweighs what came of it."""
    if isinstance(wire.trouble, Unreadable):
        return McpBroken(server=endpoint.server)
    causes = [*([wire.trouble] if wire.trouble else []), *_leaves(error)]
    for cause in causes:
        told = _as_error(cause, endpoint, library)
        if told is not None:
            return told
    log.warning("mcp.broken", server=endpoint.server, exc_info=error)
    return McpBroken(server=endpoint.server)


def _as_error(cause: Exception, endpoint: Endpoint, library: _Library) -> ChatterError | None:
    if isinstance(cause, ChatterError):
        return cause
    refused = cause.error if isinstance(cause, library.errors.McpError) else None
    if refused and (refused.code, refused.message) != _CLOSED:
        return ToolFailed(reason=masked(refused.message, endpoint.secrets)[:_TOLD_CHARACTERS])
    if isinstance(cause, httpx.HTTPStatusError):
        return ServerAnswered(status=cause.response.status_code)
    if refused or isinstance(cause, _GONE):
        return McpUnreachable(server=endpoint.server)
    if isinstance(cause, ValidationError):  # its own text repeats what came
        flaws = cause.errors(include_url=False, include_context=False, include_input=False)
        log.warning("mcp.unreadable", server=endpoint.server, errors=flaws[:_TOLD_FLAWS])
        return McpBroken(server=endpoint.server)
    return None


def _leaves(error: BaseException) -> Iterator[Exception]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    elif isinstance(error, Exception):
        yield error
