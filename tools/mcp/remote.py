"""A tool of an MCP server, as every other tool."""

from collections.abc import Mapping
from typing import Any

from tools.base import Tool, ToolArgs, ToolContext, ToolResult
from tools.mcp.endpoint import Endpoint
from tools.mcp.reading import result_of
from tools.mcp.schemas import check
from tools.mcp.session import session_with

NETWORK = "network"
SERVER_SCOPE = "mcp:"


class RemoteArgs(ToolArgs):
    """Fits the server's schema."""

    values: dict[str, Any]


class RemoteTool(Tool[RemoteArgs]):
    """Opens a session for each call: nothing of one user's call reaches another's."""

    args = RemoteArgs
    staff_first = True

    def __init__(  # noqa: PLR0913 - what a tool is
        self,
        *,
        key: str,
        name: str,
        label: str,
        description: str,
        schema: Mapping[str, Any],
        endpoint: Endpoint,
        suspended: bool,
        content_hash: str,
    ) -> None:
        self.fingerprint = content_hash  # what was approved
        self.key = key
        self.label = label
        self.description = description
        self.scopes = (NETWORK, SERVER_SCOPE + endpoint.server)
        self.timeout_s = endpoint.timeout_s
        self.suspended = suspended
        self.server = endpoint.server
        self._name = name
        self._schema = schema
        self._endpoint = endpoint

    def read(self, arguments: Any) -> RemoteArgs:
        return RemoteArgs(values=check(arguments, self._schema))

    async def call(self, args: RemoteArgs, context: ToolContext) -> ToolResult:
        async with session_with(self._endpoint) as session:
            answer = await session.call(self._name, args.values)
        return result_of(answer)

    def spec(self) -> Mapping[str, Any]:
        return {
            "name": self.key,
            "description": self.description,
            "parameters": dict(self._schema),
        }
