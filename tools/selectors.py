"""Which tools someone may use, and what became of the calls."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Avg, Count, Max, Q

from accounts.models import User
from core import clock
from tools.base import Tool
from tools.catalogue import catalogue
from tools.models import ToolCall, ToolCallStatus, ToolGrant
from tools.permissions import Rules
from tools.querysets import FAILURES, STATISTICS_PERIOD

_TOLD = 100


def usable_tools(user: User) -> Sequence[Tool[Any]]:
    """The tools this user, and models for them, may call now.

    Those of the setting in its order, then those of servers.
    """
    return [tool for tool in allowed_tools(user) if tool.offered]


def allowed_tools(user: User) -> Sequence[Tool[Any]]:
    """The same, and those that only nodes call.

    Two queries, and one more when the catalogue looks again.
    """
    if not user.is_active:
        return []
    rules, now = Rules.of(user), clock.now()
    return [tool for tool in catalogue.all() if rules.allow(tool, now)]


def grants_of_groups(groups: Iterable[Group]) -> list[str]:
    """Those in force that would go with these groups, unrecorded, and refusals among them."""
    found = ToolGrant.objects.unexpired().for_list().filter(group__in=groups).order_by("id")
    return [f"By a grant, {one}: delete that first." for one in found[:_TOLD]]


def statistics_for(user: User) -> Mapping[str, Mapping[str, Any]]:
    """By tool, what became of the calls this user may see, of the last 30 days; one query.

    Calls that were answered from recordings asked nothing of the tool.
    """
    since = clock.now() - STATISTICS_PERIOD
    calls = ToolCall.objects.visible_to(user).made().filter(started_at__gte=since)
    succeeded = Q(status=ToolCallStatus.SUCCEEDED)
    refused = Q(status=ToolCallStatus.REFUSED)
    rows = (
        calls.order_by()
        .values("tool")
        .annotate(
            calls=Count("pk"),
            succeeded=Count("pk", filter=succeeded),
            refused=Count("pk", filter=refused),
            failed=Count("pk", filter=Q(status__in=FAILURES)),
            mean_latency_ms=Avg("latency_ms", filter=succeeded),
            last_called_at=Max("started_at"),
        )
    )
    return {row.pop("tool"): row for row in rows}
