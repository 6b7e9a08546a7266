"""Who may see which calls, and which grants concern whom."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from core import clock

if TYPE_CHECKING:
    from accounts.models import User


class ToolCallQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        """One's own calls; staff see all."""
        if not user.is_active:
            return self.none()
        return self if user.is_staff else self.filter(user_id=user.pk)

    def of_origin(self, origin: str) -> Self:
        return self.filter(origin=origin)

    def for_list(self) -> Self:
        """All that a list shows; what the tools found stays where it is, it may be long."""
        return self.defer("text", "data")


class GrantQuerySet(models.QuerySet[Any]):
    def unexpired(self) -> Self:
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now()))

    def of(self, user: "User") -> Self:
        """The rules for this user: their own, those of their groups, those for everyone."""
        everyone = Q(user__isnull=True, group__isnull=True)
        return self.filter(everyone | Q(user=user) | Q(group__in=user.groups.all()))
