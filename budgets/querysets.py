"""Every read of budgets for a user starts at `visible_to`."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Prefetch, Q

from core import clock

if TYPE_CHECKING:
    from accounts.models import User


class BudgetQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "BudgetQuerySet":
        """Those one made, and those on oneself; staff see all."""
        return self if user.is_staff else self.filter(Q(owner=user) | Q(user=user))

    def for_list(self) -> "BudgetQuerySet":
        """With the period there is now, where anything was counted in it, as `running`."""
        now = clock.now()
        goes_on = Q(ends_at=None) | Q(ends_at__gt=now)
        model = self.model._meta.apps.get_model("budgets", "BudgetPeriod")
        running = model._default_manager.filter(goes_on, begins_at__lte=now)
        return self.select_related("owner").prefetch_related(
            Prefetch("periods", queryset=running, to_attr="running")
        )
