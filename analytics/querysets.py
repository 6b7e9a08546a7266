"""Every read of ratings for a user starts at `visible_to`."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F

if TYPE_CHECKING:
    from accounts.models import User


class ReplyRatingQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        """One's own; staff see all: who said it and why, not what was said."""
        return self if user.is_staff else self.filter(user=user)

    def for_list(self) -> Self:
        """With whoever said it, what gave the reply, and its `execution_id`."""
        rows = self.select_related("user", "template", "definition")
        return rows.annotate(execution_id=F("message__execution"))
