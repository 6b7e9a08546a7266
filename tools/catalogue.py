"""Every tool there is: built-in ones, plug-ins, and the approved ones of MCP servers."""

import time
from collections.abc import Sequence
from typing import Any

from core.database import database
from tools.base import Tool
from tools.mcp.naming import SEPARATOR
from tools.mcp.remote import RemoteTool
from tools.models import McpTool
from tools.registry import tools

_KEPT_S = 2.0


class Catalogue:
    """Remote tools are kept in the process for 2 s: a change made in another is seen that later.

    Tools of this installation cost no query; their keys are never those of remote ones.
    """

    def __init__(self) -> None:
        self._remote: dict[str, RemoteTool] = {}
        self._fresh_until = 0.0

    async def find(self, key: str) -> Tool[Any] | None:
        """The tool of this key, None when there is none; for event loops."""
        if SEPARATOR in key and self._is_stale() and tools.get(key) is None:
            await database.run(self._look)
        return self._kept(key)

    def get(self, key: str) -> Tool[Any] | None:
        """The tool of this key, None when there is none."""
        if SEPARATOR in key and self._is_stale() and tools.get(key) is None:
            self._look()
        return self._kept(key)

    def all(self) -> Sequence[Tool[Any]]:
        """Built-in tools and plug-ins in the order of the setting, then those of servers by key."""
        if self._is_stale():
            self._look()
        return [*tools.all(), *self._remote.values()]

    def forget(self) -> None:
        """Look again: a server or one of its tools has changed."""
        self._fresh_until = 0.0

    def _kept(self, key: str) -> Tool[Any] | None:
        built_in: Tool[Any] | None = tools.get(key)
        return built_in or self._remote.get(key)

    def _is_stale(self) -> bool:
        return time.monotonic() >= self._fresh_until

    def _look(self) -> None:
        """Read them all, in one query."""
        until = time.monotonic() + _KEPT_S
        rows = McpTool.objects.filter(approved_at__isnull=False).select_related("server")
        self._remote = {row.key: _remote(row) for row in rows.order_by("key")}
        self._fresh_until = until


def _remote(row: McpTool) -> RemoteTool:
    return RemoteTool(
        key=row.key,
        name=row.name,
        label=f"{row.title or row.name} ({row.server.name})",
        description=row.description,
        schema=row.input_schema,
        endpoint=row.server.endpoint,
        suspended=not row.is_callable,
        content_hash=row.content_hash,
    )


catalogue = Catalogue()
