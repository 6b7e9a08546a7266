"""Every read of triggers for a user starts at `visible_to`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User


class ScheduleQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ScheduleQuerySet":
        return self if user.is_staff else self.filter(owner=user)

    def for_list(self) -> "ScheduleQuerySet":
        return self.select_related("owner", "definition", "template")

    def due(self, now: datetime) -> "ScheduleQuerySet":
        """Those whose time has come and that no other process has in hand."""
        free = Q(held_until=None) | Q(held_until__lt=now)
        return self.filter(free, next_at__lte=now)


class FiringQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "FiringQuerySet":
        return self if user.is_staff else self.filter(schedule__owner=user)


class ChainQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ChainQuerySet":
        return self if user.is_staff else self.filter(owner=user)

    def for_list(self) -> "ChainQuerySet":
        return self.select_related(
            "owner", "definition", "template", "after_definition", "after_template"
        )


class ChainFiringQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ChainFiringQuerySet":
        return self if user.is_staff else self.filter(chain__owner=user)

    def waiting(self, now: datetime) -> "ChainFiringQuerySet":
        """Those that wait to be followed and that no other process has in hand."""
        free = Q(held_until=None) | Q(held_until__lt=now)
        return self.filter(free, status="pending")
