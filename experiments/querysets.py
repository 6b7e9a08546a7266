"""Every read of experiments for a user starts at `visible_to`."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User


class ExperimentQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ExperimentQuerySet":
        return self if user.is_staff else self.filter(owner=user)

    def for_list(self) -> "ExperimentQuerySet":
        return self.select_related("owner", "template", "definition", "winner").prefetch_related(
            "variants__template", "users", "groups"
        )

    def reaching(self) -> "ExperimentQuerySet":
        """Those under way whose owner may still do that, the first that began first."""
        allowed = Q(audience="own") | Q(owner__is_staff=True)
        running = self.filter(allowed, status="running", owner__is_active=True)
        return running.order_by("started_at", "id")

    def move(self, pk: Any, *, to: str, sources: list[Any], **fields: Any) -> bool:
        """Whether this move was made, by one conditional UPDATE."""
        return bool(self.filter(pk=pk, status__in=sources).update(status=to, **fields))
