"""Who may see which calls, and which grants concern whom."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from core import clock
from core.inline_value import InlineValue
from core.origins import API
from tools.signals import tool_calls_settled

if TYPE_CHECKING:
    from accounts.models import User

STATISTICS_PERIOD = timedelta(days=30)
FAILURES = ("failed", "timed_out", "lost")  # the tool's, not the caller's who stopped it


class ToolCallQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        """One's own calls; staff see all."""
        if not user.is_active:
            return self.none()
        return self if user.is_staff else self.filter(user_id=user.pk)

    def of_origin(self, origin: str) -> Self:
        return self.filter(origin=origin)

    def outside_runs(self) -> Self:
        return self.filter(origin__startswith=API)

    def under_way(self) -> Self:
        return self.filter(status=InlineValue("open"))

    @transaction.atomic
    def settle(self, row: dict[str, Any]) -> bool:
        """Give an open call its last state; False when it has one: that is never changed.

        `row` has all columns, as they shall be.
        """
        settled = {name: value for name, value in row.items() if name != "id"}
        won = bool(self.under_way().filter(pk=row["id"]).update(**settled))
        if won:
            tool_calls_settled.send(sender=self.model, calls=[row])
        return won

    def made(self) -> Self:
        """Those for which the tool was, or was to be, called."""
        return self.exclude(answered_by="recording")

    def for_list(self) -> Self:
        """All that a list shows; what the tools found stays where it is, it may be long."""
        return self.defer("text", "data")


class ServerQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        """Staff alone: an address and what it offers is theirs to know."""
        return self if user.is_active and user.is_staff else self.none()


class SettingQuerySet(models.QuerySet[Any]):
    def for_list(self) -> Self:
        """With `calls` of the last 30 days and those of them that `failed` (or took too long)."""
        calls = self.model._meta.apps.get_model("tools", "ToolCall")._base_manager.filter(
            tool=OuterRef("tool"), started_at__gte=clock.now() - STATISTICS_PERIOD
        )
        calls = calls.exclude(answered_by="recording")
        failed = calls.filter(status__in=FAILURES)
        return self.annotate(calls=_count(calls), failed=_count(failed))


class GrantQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        """Staff alone: who is trusted with what is theirs to know."""
        return self if user.is_active and user.is_staff else self.none()

    def for_list(self) -> Self:
        return self.select_related("user", "group")

    def unexpired(self) -> Self:
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now()))

    def of(self, user: "User") -> Self:
        """The rules for this user: their own, those of their groups, those for everyone."""
        everyone = Q(user__isnull=True, group__isnull=True)
        return self.filter(everyone | Q(user=user) | Q(group__in=user.groups.all()))


def _count(rows: models.QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("tool").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)
