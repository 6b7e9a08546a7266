"""Which alerts there are to be seen."""

from typing import Any, Self

from django.db import models


class AlertQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Staff see those that were raised, nobody else any."""
        return self.raised() if user.is_active and user.is_staff else self.none()

    def raised(self) -> Self:
        return self.filter(raised_at__isnull=False)
