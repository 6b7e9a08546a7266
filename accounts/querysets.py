"""Which tokens and secrets a user may see, and which tokens still open doors."""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from core import clock


class ApiTokenQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """One's own, staff or not: who sees a token may revoke it."""
        return self.filter(user_id=user.pk)

    def active(self) -> Self:
        """Not revoked, not expired, of an active user."""
        unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now())
        return self.filter(unexpired, revoked_at__isnull=True, user__is_active=True)


class SecretQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """One's own, staff or not; what it is nobody sees."""
        return self.filter(owner_id=user.pk)
