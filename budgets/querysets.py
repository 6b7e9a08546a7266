"""Every read of budgets for a user starts at `visible_to`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Prefetch, Q

from core import clock

if TYPE_CHECKING:
    from accounts.models import User

OF_STAFF = ("all", "user", "group")  # scopes in which staff alone limit others


def going_on(at: datetime) -> Q:
    """The periods that an instant lies in."""
    return (Q(ends_at=None) | Q(ends_at__gt=at)) & Q(begins_at__lte=at)


class BudgetQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "BudgetQuerySet":
        """Those that concern one; staff see all."""
        return self if user.is_staff else self.concerning(user)

    def concerning(self, user: "User") -> "BudgetQuerySet":
        """Those one made, and those on oneself: those whose warnings one is told.

        What staff made on others concerns them while they are staff.
        """
        made = Q(owner=user)
        if not user.is_staff:
            made &= ~Q(scope__in=OF_STAFF)
        return self.filter(made | Q(user=user))

    def for_list(self) -> "BudgetQuerySet":
        """With the period there is now, where anything was counted in it, as `running`."""
        model = self.model._meta.apps.get_model("budgets", "BudgetPeriod")
        running = model._default_manager.filter(going_on(clock.now()))
        return self.select_related("owner").prefetch_related(
            Prefetch("periods", queryset=running, to_attr="running")
        )
