"""The ledger of tool calls, who may use which tools, and the servers that offer some."""

from tools.models.call import ANSWERED, ToolAnsweredBy, ToolCall, ToolCallStatus
from tools.models.grant import EVERY_TOOL, SCOPE, GrantUse, ToolGrant
from tools.models.mcp import McpServer, McpTool, Transport
from tools.models.setting import ToolSetting

__all__ = [
    "ANSWERED",
    "EVERY_TOOL",
    "SCOPE",
    "GrantUse",
    "ToolAnsweredBy",
    "McpServer",
    "McpTool",
    "ToolCall",
    "ToolCallStatus",
    "ToolGrant",
    "ToolSetting",
    "Transport",
]
