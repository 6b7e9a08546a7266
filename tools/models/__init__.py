"""The ledger of tool calls, and who may use which tools."""

from tools.models.call import ANSWERED, ToolAnsweredBy, ToolCall, ToolCallStatus
from tools.models.grant import EVERY_TOOL, SCOPE, GrantUse, ToolGrant
from tools.models.setting import ToolSetting

__all__ = [
    "ANSWERED",
    "EVERY_TOOL",
    "SCOPE",
    "GrantUse",
    "ToolAnsweredBy",
    "ToolCall",
    "ToolCallStatus",
    "ToolGrant",
    "ToolSetting",
]
