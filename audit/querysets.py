"""Which entries a user may read."""

from typing import Any, Self

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import OuterRef, Subquery


class AuditEntryQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Staff read all of it, nobody else any."""
        return self if user.is_active and user.is_staff else self.none()

    def for_list(self) -> Self:
        """With `actor_name`, NULL for an actor who is gone."""
        users = get_user_model()
        name = users._base_manager.filter(pk=OuterRef("actor_id")).values(users.USERNAME_FIELD)
        return self.annotate(actor_name=Subquery(name))
