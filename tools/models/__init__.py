"""The ledger of tool calls, and who may use which tools."""

from tools.models.call import ANSWERED, ToolCall, ToolCallStatus
from tools.models.grant import EVERY_TOOL, SCOPE, GrantUse, ToolGrant
from tools.models.setting import ToolSetting

__all__ = [
    "ANSWERED",
    "EVERY_TOOL",
    "SCOPE",
    "GrantUse",
    "ToolCall",
    "ToolCallStatus",
    "ToolGrant",
    "ToolSetting",
]
