"""Who may use a tool, decided anew at every call from the settings and grants there are."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.models import Outcome
from audit.record import record
from core import clock
from core.database import database
from tools.base import Tool
from tools.ledger import ToolCallRecord
from tools.models import EVERY_TOOL, SCOPE, GrantUse, ToolGrant, ToolSetting
from tools.request import RATE_LIMITED, ToolRefused

_MESSAGES = {
    "tool_user_unknown": "Tools are used for somebody with an active account.",
    "tool_disabled": "The tool '{tool}' is switched off.",
    "tool_denied": "You may not use the tool '{tool}'.",
    "tool_not_granted": "The tool '{tool}' is used only by whom it was granted to.",
    "tool_outside_hours": "You may not use the tool '{tool}' at this hour.",
    RATE_LIMITED: "You have used the tool '{tool}' as often as you may in this hour.",
}


OPEN, STAFF = "open", "staff"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Permission:
    """What was decided about a call.

    `by` is what let it be made: OPEN to all, STAFF as its user is of them, or "grant:<id>"; else
    the code of the refusal.
    """

    by: str
    refusal: ToolRefused | None = None


def _refused(code: str, tool: Tool[Any]) -> ToolRefused:
    return ToolRefused(code, _MESSAGES[code].format(tool=tool.key))


def _unset(tool: Tool[Any]) -> ToolSetting:
    """What holds for a tool that nobody decided about."""
    return ToolSetting(tool=tool.key, open_to_all=not tool.staff_first)


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is decided about one user's tools, read once."""

    settings: Mapping[str, ToolSetting]
    grants: Sequence[ToolGrant]
    is_staff: bool

    @classmethod
    def of(cls, user: User) -> "Rules":
        settings = {setting.tool: setting for setting in ToolSetting.objects.all()}
        return cls(settings, list(ToolGrant.objects.of(user).unexpired()), user.is_staff)

    def allowing(self, tool: Tool[Any], now: datetime) -> Sequence[ToolGrant]:
        """The grants that let the user in, none for a tool open to them. Raises ToolRefused."""
        setting = self.settings.get(tool.key) or _unset(tool)
        if not setting.enabled or tool.suspended:
            raise _refused("tool_disabled", tool)
        names = {tool.key, EVERY_TOOL, *(SCOPE + scope for scope in tool.scopes)}
        about = [grant for grant in self.grants if grant.tool in names]
        holding = [grant for grant in about if grant.holds_at(now)]
        if not all(grant.allow for grant in holding):
            raise _refused("tool_denied", tool)
        if not holding and any(grant.allow for grant in about):
            raise _refused("tool_outside_hours", tool)
        if not holding and not self.open_by(tool):
            raise _refused("tool_not_granted", tool)
        return holding

    def open_by(self, tool: Tool[Any]) -> str:
        """Why the user needs no grant; empty where one is needed."""
        setting = self.settings.get(tool.key) or _unset(tool)
        if setting.open_to_all:
            return OPEN
        return STAFF if tool.staff_first and self.is_staff else ""

    def allow(self, tool: Tool[Any], now: datetime) -> bool:
        try:
            self.allowing(tool, now)
        except ToolRefused:
            return False
        return True


def take_permission(tool: Tool[Any], call: ToolCallRecord) -> Permission:
    """Decide about this call; count it where a grant is limited, audit it where it is refused.

    Where the grant that is counted is taken back in the same moment, it is decided anew.
    """
    for _ in range(_TRIES):
        with suppress(IntegrityError):
            return _decided(tool, call)
    return _decided(tool, call)


@transaction.atomic
def _decided(tool: Tool[Any], call: ToolCallRecord) -> Permission:
    """Raises IntegrityError where a grant is deleted that this counts a call of."""
    try:
        user = _active_user(call.user_id)
        if user is None:
            raise _refused("tool_user_unknown", tool)
        now, rules = clock.now(), Rules.of(user)
        grants = rules.allowing(tool, now)
        if not grants:
            return Permission(rules.open_by(tool))
        grant = _with_room(grants, user, now)
        if grant is None:
            raise _refused(RATE_LIMITED, tool)
        return Permission(f"grant:{grant.pk}")
    except ToolRefused as refusal:
        record(
            "tools.call.refused",
            actor=call.user_id,
            target=f"tools.toolcall:{call.id}",
            outcome=Outcome.DENIED,
            detail={"tool": tool.key, "code": refusal.code, "origin": call.origin},
            request_id=call.request_id,
        )
        return Permission(refusal.code, refusal)


def _active_user(user_id: UUID | None) -> User | None:
    return User.objects.filter(pk=user_id, is_active=True).first() if user_id else None


def _with_room(grants: Sequence[ToolGrant], user: User, now: datetime) -> ToolGrant | None:
    """The first of the grants that has a call left, which is taken from it."""
    unlimited = next((grant for grant in grants if grant.calls_per_hour is None), None)
    if unlimited is not None:
        return unlimited
    hour = now.replace(minute=0, second=0, microsecond=0)
    return next((grant for grant in grants if _take(grant, user, hour)), None)


def _take(grant: ToolGrant, user: User, hour: datetime) -> bool:
    use, _ = GrantUse.objects.select_for_update().get_or_create(
        grant=grant, user=user, defaults={"hour": hour}
    )
    if use.hour != hour:
        use.hour, use.calls = hour, 0
    if use.calls >= (grant.calls_per_hour or 0):
        return False
    use.calls += 1
    use.save(update_fields=["hour", "calls"])
    return True


class GrantedPermissions:
    """Implements `tools.calling.Permissions` with the grants of the database.

    `tell` hears of each decision.
    """

    def __init__(self, tell: Callable[[ToolCallRecord, Permission], None] | None = None) -> None:
        self._tell = tell

    async def refusal(self, tool: Tool[Any], call: ToolCallRecord) -> ToolRefused | None:
        decided = await database.run(take_permission, tool, call)
        if self._tell is not None:
            self._tell(call, decided)
        return decided.refusal
