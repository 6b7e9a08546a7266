"""What a server offers, compared with what somebody approved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import record
from core import clock
from core.errors import Conflict, NotFound
from tools.mcp.naming import key_of
from tools.mcp.offer import LeftOut, Offer, OfferedTool
from tools.models import McpServer, McpTool, ToolSetting
from tools.registry import tools


class ToolChangedMeanwhile(Conflict):
    code = "mcp_tool_changed"
    message = "The server offers something else than what was looked at. Look again."


class ServerMoved(Conflict):
    code = "mcp_server_moved"
    message = "The MCP server is elsewhere by now. Look at it again."


class ToolNotApproved(Conflict):
    code = "mcp_tool_not_approved"
    message = "What the server offers now has to be approved first."


@dataclass(slots=True)
class Report:
    """Keys of the tools, by what became of them; those left out by the server's own name."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        left_out = [{"name": one.name, "reason": one.reason} for one in self.left_out]
        return {
            "added": self.added,
            "changed": self.changed,
            "gone": self.gone,
            "left_out": left_out,
        }


def locked(server: McpServer) -> McpServer:
    """The server as it is now; nobody else changes it until the transaction ends.

    Raises NotFound if it was removed meanwhile, and ServerMoved if it is at another address by now.
    """
    rows = McpServer.objects.select_for_update().filter(pk=server.pk)
    current: McpServer | None = rows.first()
    if current is None:
        raise NotFound
    if current.address != server.address:
        raise ServerMoved
    return current


@transaction.atomic
def keep_offer(server: McpServer, offer: Offer, *, by: User) -> Report:
    """Keep what the server offers, for staff alone until somebody opens it.

    The first offer is approved by who asks for it. Later, a tool that is new or says something else
    than was approved is switched off until somebody approves it. Raises as `locked`.
    """
    current = locked(server)
    known = {tool.name: tool for tool in current.tools.all()}
    report = Report(left_out=list(offer.left_out))
    is_first = current.refreshed_at is None
    for offered in offer.tools:
        if offered.name in known:
            _compare(known[offered.name], offered, report)
        else:
            _add(server, offered, report, is_first)
    names = {offered.name for offered in offer.tools}
    _note_gone([tool for name, tool in known.items() if name not in names], report)
    server.refreshed_at = clock.now()
    server.save(update_fields=["refreshed_at"])
    detail = {"name": server.name, **report.to_json()}
    record("tools.mcpserver.refreshed", actor=by, target=server, detail=detail)
    return report


def _add(server: McpServer, offered: OfferedTool, report: Report, is_first: bool) -> None:
    key = key_of(server.name, offered.name)
    if not key:
        report.left_out.append(LeftOut(offered.name, "Its name has no letters or digits."))
        return
    other = McpTool.objects.filter(key=key).first()
    if other is not None or tools.get(key) is not None:
        taker = f"'{other.name}' of '{other.server}'" if other else "a tool of this installation"
        report.left_out.append(LeftOut(offered.name, f"Its key {key} is taken by {taker}."))
        return
    McpTool.objects.create(
        server=server,
        key=key,
        name=offered.name,
        title=offered.title,
        description=offered.description,
        input_schema=offered.schema,
        content_hash=offered.content_hash,
        approved_at=clock.now() if is_first else None,
    )
    ToolSetting.objects.create(tool=key, enabled=is_first, open_to_all=False)
    report.added.append(key)


def _compare(tool: McpTool, offered: OfferedTool, report: Report) -> None:
    tool.present, tool.last_seen_at = True, clock.now()
    if offered.content_hash == tool.offered_hash:
        pass
    elif tool.content_hash == offered.content_hash:
        tool.offered = None  # back to what was approved; it stays off until somebody says so
    else:
        tool.offered = {
            "title": offered.title,
            "description": offered.description,
            "schema": offered.schema,
            "hash": offered.content_hash,
        }
        report.changed.append(tool.key)
        ToolSetting.objects.filter(tool=tool.key).update(enabled=False)
    tool.save(update_fields=["present", "last_seen_at", "offered", "updated_at"])


def _note_gone(missing: list[McpTool], report: Report) -> None:
    for tool in missing:
        if tool.present:
            report.gone.append(tool.key)
            tool.present = False
            tool.save(update_fields=["present", "updated_at"])


@transaction.atomic
def approve_tool(tool: McpTool, *, by: User, content_hash: str) -> McpTool:
    """Approve what somebody has looked at, and switch it on. Raises ToolChangedMeanwhile."""
    tool = _locked(tool)
    if content_hash != tool.offered_hash:
        raise ToolChangedMeanwhile
    if tool.offered is not None:
        tool.title, tool.description = tool.offered["title"], tool.offered["description"]
        tool.input_schema, tool.content_hash = tool.offered["schema"], tool.offered["hash"]
        tool.offered = None
    tool.approved_at = clock.now()
    tool.save()
    ToolSetting.objects.filter(tool=tool.key).update(enabled=True)
    detail = {"tool": tool.key, "hash": content_hash}
    record("tools.mcptool.approved", actor=by, target=tool, detail=detail)
    return tool


@transaction.atomic
def set_tool(tool: McpTool, *, by: User, changes: Mapping[str, bool]) -> McpTool:
    """Switch it (`enabled`), or open it to all (`open_to_all`). Raises ToolNotApproved.

    Nothing is written where nothing differs.
    """
    tool = _locked(tool)
    if changes.get("enabled") and not tool.is_approved:
        raise ToolNotApproved
    before = ToolSetting.objects.filter(tool=tool.key).values(*changes).first() or {}
    if changes and before != changes:
        ToolSetting.objects.update_or_create(tool=tool.key, defaults=dict(changes))
        told = changes_for_audit(before, changes, tool=tool.key)
        record("tools.mcptool.changed", actor=by, target=tool, **told)
    return tool


def _locked(tool: McpTool) -> McpTool:
    found: McpTool = McpTool.objects.select_for_update().get(pk=tool.pk)
    return found
