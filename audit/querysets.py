"""Which entries a user may read."""

from typing import Any, Self

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce


class AuditEntryQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Staff read all of it, nobody else any."""
        return self if user.is_active and user.is_staff else self.none()

    def for_list(self) -> Self:
        """With `actor_name`, NULL for an actor who is gone."""
        users = get_user_model()
        name = users._base_manager.filter(pk=OuterRef("actor_id")).values(users.USERNAME_FIELD)
        return self.annotate(actor_name=Subquery(name))


class AuditEntryManager(models.Manager.from_queryset(AuditEntryQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> AuditEntryQuerySet:
        """With `seq` and `seal`: NULL and empty for an entry that is not sealed yet."""
        entries: AuditEntryQuerySet = super().get_queryset()
        return entries.annotate(seq=F("sealed__seq"), seal=Coalesce(F("sealed__seal"), Value("")))
