"""Which webhooks a user may see, and which messages are due."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User


class OwnedQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        """One's own, staff or not: who sees one may have its secret made anew."""
        return self.filter(owner_id=user.pk)

    def for_list(self) -> Self:
        return self.select_related("definition", "template").defer("secret", "previous_secret")


class DeliveryQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(hook__owner_id=user.pk)


# Of messages: to be sent now or later; not what waits for somebody to switch its endpoint on, nor
# what was for staff and whose owner is none of them any more.
UNDELIVERED = Q(status="pending", endpoint__enabled=True, endpoint__owner__is_active=True) & (
    ~Q(type="security.alert") | Q(endpoint__owner__is_staff=True)
)


class MessageQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(endpoint__owner_id=user.pk)

    def undelivered(self) -> Self:
        return self.filter(UNDELIVERED)

    def due(self, now: datetime) -> Self:
        """To be sent now, or left by a process that claimed it and never told what came of it."""
        return self.undelivered().filter(next_at__lte=now)


class AttemptQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> Self:
        return self.filter(message__endpoint__owner_id=user.pk)
