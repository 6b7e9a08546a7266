"""Register, change and remove MCP servers, and ask how they are."""

import json
import re
from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import entry, record, record_many
from core import clock
from core.database import database
from core.errors import ChatterError, Invalid, NotFound
from core.secrets import is_kept
from tools.http import HEADER_NAME
from tools.keeping import storable
from tools.mcp.endpoint import STDIO, command_of
from tools.mcp.offer import Offer, ask_for_offer
from tools.models import McpServer, ToolSetting
from tools.services.mcp_tools import Report, keep_offer, locked

MAX_HEADERS = 20
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,4000}")
# What the client itself says.
_RESERVED = re.compile(
    r"(?i)(host|connection|transfer-encoding|upgrade|accept|mcp-.*|content-.*|accept-encoding)"
)
log = structlog.get_logger(__name__)


class BadHeaders(Invalid):
    code = "mcp_bad_headers"
    message = "'{name}' is no header that can be sent."


class HeadersNeeded(Invalid):
    code = "mcp_headers_needed"
    message = "Another host is not told the headers of the one before. Give `headers` anew."


class BadServer(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "mcp_bad_server"
    message = "The server cannot be registered like this."


def headers_text(headers: Mapping[str, str]) -> str:
    """The headers as they are kept. Raises BadHeaders, which never repeats a value."""
    for name, value in headers.items():
        fits = HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
        if not fits or _RESERVED.fullmatch(name):
            raise BadHeaders(name=name[:100])
    if len(headers) > MAX_HEADERS:
        raise BadHeaders(name=f"Number {MAX_HEADERS + 1}")
    return json.dumps(dict(headers)) if headers else ""


@transaction.atomic
def register_server(*, by: User, headers: Mapping[str, str], **fields: Any) -> McpServer:
    """A new server; nothing is asked of it yet. Raises BadServer, BadHeaders, UnknownCommand."""
    server = McpServer(**fields, headers=headers_text(headers))
    _check(server)
    server.save()
    detail = {"name": server.name, "transport": server.transport, "address": server.address}
    record("tools.mcpserver.created", actor=by, target=server, detail=detail)
    return server


@transaction.atomic
def change_server(
    server: McpServer, *, by: User, headers: Mapping[str, str] | None, **fields: Any
) -> McpServer:
    """Set what is given; `headers` replace all there were.

    At another address nothing is approved any more. Raises as `register_server` and `locked`, and
    HeadersNeeded.
    """
    server = locked(server)
    address = server.address
    if headers is not None:
        fields["headers"] = headers_text(headers)
    before = {name: vars(server)[name] for name in fields}  # opens no secret
    for name, value in fields.items():
        setattr(server, name, value)
    _check(server)
    if server.address != address:
        if headers is None and is_kept(server, "headers") and server.url:
            raise HeadersNeeded
        withdraw_approvals(server)
    if before != fields:
        server.save(update_fields=[*fields, "updated_at"])
        about = {"name": server.name, "address": server.address, "address_before": address}
        told = changes_for_audit(before, fields, secret=("headers", "url"), **about)
        record("tools.mcpserver.changed", actor=by, target=server, **told)
    return server


def withdraw_approvals(server: McpServer) -> None:
    """Nobody has looked at what it offers now: its tools are off until somebody approves them."""
    tools = server.tools.all()
    ToolSetting.objects.filter(tool__in=tools.values("key")).update(enabled=False)
    tools.update(approved_at=None)


@transaction.atomic
def remove_server(server: McpServer, *, by: User) -> None:
    """Remove it with its tools, their settings and the grants for them; the ledger stays.

    Raises NotFound if somebody else has removed it.
    """
    if McpServer.objects.select_for_update().filter(pk=server.pk).first() is None:
        raise NotFound
    detail = {"name": server.name}
    one = entry("tools.mcpserver.deleted", actor=by, target=server, detail=detail)  # with its key
    server.delete()
    record_many([one])


async def check_health(server: McpServer) -> ChatterError | None:
    """Ask how it is, keep that on its row, and tell what is wrong with it."""
    return (await _asked(server))[1]


async def refresh_server(server: McpServer, *, by: User) -> tuple[Report, ChatterError | None]:
    """Ask for its tools and keep what it offers; of a server that fails, everything stays.

    Raises what `keep_offer` raises.
    """
    offer, error = await _asked(server)
    if offer is None:
        return Report(), error
    return await database.run(keep_offer, server, offer, by=by), None


async def _asked(server: McpServer) -> tuple[Offer | None, ChatterError | None]:
    offer, trouble = None, None
    try:
        offer = await ask_for_offer(server.endpoint)
    except ChatterError as error:
        trouble = error
    except Exception as error:
        log.error("mcp.test_failed", server=server.name, exc_info=error)
        trouble = ChatterError()
    await database.run(_keep_health, server, offer, trouble)
    return offer, trouble


def _keep_health(server: McpServer, offer: Offer | None, trouble: ChatterError | None) -> None:
    health: dict[str, Any] = {
        "ok": trouble is None,
        "checked_at": clock.now(),
        "error_code": trouble.code if trouble else "",
        "error_message": storable(str(trouble)) if trouble else "",
    }
    if offer is not None:
        names = ("latency_ms", "protocol_version", "server_name", "server_version")
        health |= {name: getattr(offer, name) for name in names}
    for name, value in health.items():
        setattr(server, name, value)
    McpServer.objects.filter(pk=server.pk).update(**health)


def _check(server: McpServer) -> None:
    try:
        server.full_clean()
    except ValidationError as error:
        raise BadServer(errors=list(_issues(error))) from error
    if server.transport == STDIO:
        command_of(server.command)


def _issues(error: ValidationError) -> list[dict[str, str]]:
    return [
        {
            "path": "" if name == "__all__" else name,
            "code": one.code or "invalid",
            "message": " ".join(one.messages),
        }
        for name, found in error.error_dict.items()
        for one in found
    ]
