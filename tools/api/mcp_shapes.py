"""What the API takes and says of MCP servers and their tools."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.shapes import Shape
from tools.api.shapes import Text, ToolErrorOut, ToolStatistics
from tools.models import McpServer, McpTool, ToolSetting
from tools.services.mcp_tools import Report

TransportName = Literal["streamable_http", "sse", "stdio"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class McpServerIn(_Body):
    """A server to register. `command` names one from the installation's settings.

    `headers` are stored encrypted and never shown again.
    """

    name: Text = Field(max_length=24)
    transport: TransportName = "streamable_http"
    url: Text = Field(default="", max_length=2_000)
    command: Text = Field(default="", max_length=64)
    headers: dict[str, str] = Field(default_factory=dict)
    enabled: bool = True
    timeout_s: int = Field(default=30, ge=1, le=300)


class McpServerChange(_Body):
    """Sets the given fields; `headers` replace the previous ones, and must be given again with
    another address.

    At another address, the tools are off until they are approved again.
    """

    transport: TransportName | None = None
    url: Text | None = Field(default=None, max_length=2_000)
    command: Text | None = Field(default=None, max_length=64)
    headers: dict[str, str] | None = None
    enabled: bool | None = None
    timeout_s: int | None = Field(default=None, ge=1, le=300)


class McpToolChange(_Body):
    """Sets the given fields. `approve` is the `offered_hash` of what somebody has looked at."""

    enabled: bool | None = None
    open_to_all: bool | None = None
    approve: str | None = None


class McpHealth(Shape):
    """The result of the last check; `ok` is null before the first."""

    ok: bool | None
    checked_at: datetime | None
    error: ToolErrorOut | None
    latency_ms: int | None
    protocol_version: str
    server_name: str
    server_version: str


class McpToolText(Shape):
    """The text a model would read."""

    title: str
    description: str
    parameters: dict[str, Any]


class McpToolOut(Shape):
    """A tool of a server. `offered` is what the server says now, if that is not approved."""

    key: str
    name: str
    enabled: bool
    open_to_all: bool
    approved: bool
    approved_at: datetime | None
    present: bool
    text: McpToolText
    offered: McpToolText | None
    offered_hash: str
    first_seen_at: datetime
    last_seen_at: datetime
    statistics: ToolStatistics


class McpServerOut(Shape):
    """A server; of its headers, only the names."""

    id: UUID
    name: str
    transport: TransportName
    url: str
    command: str
    header_names: list[str]
    enabled: bool
    timeout_s: int
    health: McpHealth
    refreshed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class McpServerWhole(McpServerOut):
    """A server with its tools."""

    tools: list[McpToolOut]


class LeftOutOut(Shape):
    name: str
    reason: str


class McpRefreshed(Shape):
    """What a refresh changed, by key; nothing if the server failed."""

    health: McpHealth
    added: list[str]
    changed: list[str]
    gone: list[str]
    left_out: list[LeftOutOut]


def health_out(server: McpServer) -> McpHealth:
    code, message = server.error_code, server.error_message
    return McpHealth(
        ok=server.ok,
        checked_at=server.checked_at,
        error=ToolErrorOut(code=code, message=message) if code else None,
        latency_ms=server.latency_ms,
        protocol_version=server.protocol_version,
        server_name=server.server_name,
        server_version=server.server_version,
    )


def server_out(server: McpServer) -> McpServerOut:
    return McpServerOut(**_server(server))


def whole_server(
    server: McpServer,
    tools: Iterable[McpTool],
    settings: Mapping[str, ToolSetting],
    statistics: Mapping[str, Mapping[str, Any]],
) -> McpServerWhole:
    return McpServerWhole(
        **_server(server),
        tools=[tool_out(tool, settings.get(tool.key), statistics) for tool in tools],
    )


def tool_out(
    tool: McpTool, setting: ToolSetting | None, statistics: Mapping[str, Mapping[str, Any]]
) -> McpToolOut:
    offered = tool.offered
    return McpToolOut(
        key=tool.key,
        name=tool.name,
        enabled=bool(setting and setting.enabled),
        open_to_all=bool(setting and setting.open_to_all),
        approved=tool.is_approved,
        approved_at=tool.approved_at,
        present=tool.present,
        text=_text(tool.title, tool.description, tool.input_schema),
        offered=offered and _text(offered["title"], offered["description"], offered["schema"]),
        offered_hash=tool.offered_hash,
        first_seen_at=tool.first_seen_at,
        last_seen_at=tool.last_seen_at,
        statistics=ToolStatistics(**statistics.get(tool.key, {})),
    )


def refreshed_out(server: McpServer, report: Report) -> McpRefreshed:
    return McpRefreshed(health=health_out(server), **report.to_json())


def _text(title: str, description: str, schema: dict[str, Any]) -> McpToolText:
    return McpToolText(title=title, description=description, parameters=schema)


def _server(server: McpServer) -> dict[str, Any]:
    return {
        "id": server.id,
        "name": server.name,
        "transport": server.transport,
        "url": server.url,
        "command": server.command,
        "header_names": server.header_names,
        "enabled": server.enabled,
        "timeout_s": server.timeout_s,
        "health": health_out(server),
        "refreshed_at": server.refreshed_at,
        "created_at": server.created_at,
        "updated_at": server.updated_at,
    }
