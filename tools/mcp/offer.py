"""What a server says of itself and of its tools."""

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.keeping import NotKept, storable
from tools.mcp.endpoint import Endpoint
from tools.mcp.schemas import BadSchema, accepted_schema
from tools.mcp.session import McpTimedOut, Session, session_with

MAX_TOOLS = 200
MAX_DESCRIPTION = 1_024  # some providers refuse a longer one, and with it the whole question
_MAX_PAGES = MAX_TOOLS + 1  # of one tool each, and the one that is too many
_MAX_NAME = 200
_ONLY_AS_A_TASK = "It can be called as a task only, and tasks are not made here."
_AND_THE_REST = f"Like those after it: of one server {MAX_TOOLS} tools are taken."


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as it is offered; `content_hash` is of all that a model would be told."""

    name: str
    title: str
    description: str
    schema: dict[str, Any]

    @property
    def content_hash(self) -> str:
        told = json.dumps([self.description, self.schema], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A tool that is not taken, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A server that answered, how quickly, and with which tools."""

    latency_ms: int
    protocol_version: str
    server_name: str
    server_version: str
    tools: Sequence[OfferedTool] = ()
    left_out: list[LeftOut] = field(default_factory=list)


async def ask_for_offer(endpoint: Endpoint) -> Offer:
    """Open a session and list the tools, within the endpoint's time. Raises ChatterError."""
    limit = asyncio.timeout(endpoint.timeout_s)
    began = time.perf_counter()
    try:
        async with limit, session_with(endpoint) as session:
            opened_ms = round((time.perf_counter() - began) * 1000)
            listed = await _listed(session)
    except TimeoutError as error:
        raise McpTimedOut(server=endpoint.server, limit_s=endpoint.timeout_s) from error
    about = session.about
    left_out: list[LeftOut] = []
    if len(listed) > MAX_TOOLS:
        left_out.append(LeftOut(storable(listed[MAX_TOOLS].name[:_MAX_NAME]), _AND_THE_REST))
    tools = await asyncio.to_thread(_all_taken, listed[:MAX_TOOLS], left_out)
    return Offer(
        latency_ms=opened_ms,
        protocol_version=storable(str(about.protocolVersion)[:_MAX_NAME]),
        server_name=storable(about.serverInfo.name[:_MAX_NAME]),
        server_version=storable(about.serverInfo.version[:_MAX_NAME]),
        tools=tools,
        left_out=left_out,
    )


async def _listed(session: Session) -> Sequence[Any]:
    """Every page, within bounds: a server may go on for ever."""
    if session.about.capabilities.tools is None:
        return []
    found: list[Any] = []
    cursor = None
    for _ in range(_MAX_PAGES):
        page = await session.tools(cursor)
        found += page.tools
        cursor = page.nextCursor
        if not cursor or len(found) > MAX_TOOLS:
            break
    return found


def _all_taken(listed: Sequence[Any], left_out: list[LeftOut]) -> Sequence[OfferedTool]:
    """Runs in a thread: to look at what a server may send can take seconds."""
    return [tool for one in listed if (tool := _taken(one, left_out))]


def _taken(tool: Any, left_out: list[LeftOut]) -> OfferedTool | None:
    name = tool.name
    try:
        if len(name) > _MAX_NAME:
            raise BadSchema(f"Its name is longer than {_MAX_NAME} characters.")
        if tool.execution is not None and tool.execution.taskSupport == "required":
            raise BadSchema(_ONLY_AS_A_TASK)
        schema = storable(accepted_schema(tool.inputSchema))
    except (BadSchema, NotKept) as error:
        left_out.append(LeftOut(storable(name[:_MAX_NAME]), str(error)))
        return None
    return OfferedTool(
        name=storable(name),
        title=storable((tool.title or "")[:_MAX_NAME]),
        description=storable((tool.description or name)[:MAX_DESCRIPTION]),
        schema=schema,
    )
