"""Which tools are on, and which are open to all: built-in ones, plug-ins, and those of servers."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import record
from core.errors import NotFound
from tools.models import McpTool, ToolSetting
from tools.registry import tools
from tools.services.mcp_tools import set_tool


class ToolNotFound(NotFound):
    code = "tool_not_found"
    message = "There is no tool '{tool}'."


def setting_for(key: str) -> ToolSetting:
    """What is decided about a tool. Raises ToolNotFound."""
    found: ToolSetting | None = ToolSetting.objects.filter(tool=key).first()
    if found is None or not (tools.get(key) or McpTool.objects.filter(key=key).exists()):
        raise ToolNotFound(tool=key)
    return found


@transaction.atomic
def switch_tool(key: str, *, by: User, changes: Mapping[str, bool]) -> ToolSetting:
    """Switch it (`enabled`), or open it to all (`open_to_all`); it holds from the next call on.

    Nothing is written where nothing differs. Raises ToolNotFound, ToolNotApproved.
    """
    setting_for(key)
    remote = McpTool.objects.filter(key=key).first()
    if remote is not None:
        set_tool(remote, by=by, changes=changes)
        return setting_for(key)
    setting: ToolSetting = ToolSetting.objects.select_for_update().get(tool=key)
    before = {name: getattr(setting, name) for name in changes}
    if before != changes:
        for name, value in changes.items():
            setattr(setting, name, value)
        setting.save()
        told = changes_for_audit(before, changes, tool=key)
        record("tools.toolsetting.changed", actor=by, target=setting, **told)
    return setting
