"""Every read of budgets for a user starts at `visible_to`."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User


class BudgetQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "BudgetQuerySet":
        """Those one made, and those on oneself; staff see all."""
        return self if user.is_staff else self.filter(Q(owner=user) | Q(user=user))

    def for_list(self) -> "BudgetQuerySet":
        return self.select_related("owner", "user", "group")
