"""Every read of workflows for a user starts at `visible_to`."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from core import clock

if TYPE_CHECKING:
    from accounts.models import User


class DefinitionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "DefinitionQuerySet":
        return self if user.is_staff else self.filter(owner=user)

    def for_list(self) -> "DefinitionQuerySet":
        return self.select_related("owner", "version")


class DefinitionVersionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "DefinitionVersionQuerySet":
        return self if user.is_staff else self.filter(definition__owner=user)

    def for_list(self) -> "DefinitionVersionQuerySet":
        return self.select_related("definition", "version", "saved_by")


class TemplateQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "TemplateQuerySet":
        """Built-in, public, and one's own."""
        if user.is_staff:
            return self
        return self.filter(Q(owner=None) | Q(public=True) | Q(owner=user))

    def for_list(self) -> "TemplateQuerySet":
        return self.select_related("owner", "version")


class VersionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "VersionQuerySet":
        return self if user.is_staff else self.filter(executions__user=user).distinct()


class ExecutionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ExecutionQuerySet":
        return self if user.is_staff else self.filter(user=user)

    def for_list(self) -> "ExecutionQuerySet":
        return self.select_related("template", "definition")

    def under_way(self) -> "ExecutionQuerySet":
        return self.filter(status__in=["pending", "running", "waiting"])

    def claimable(self) -> "ExecutionQuerySet":
        """Waiting for an owner, or left by one whose lease ran out; oldest first."""
        earlier = self.model._base_manager.filter(
            serial_key=OuterRef("serial_key"),
            serial_number__lt=OuterRef("serial_number"),
            status__in=["pending", "running", "waiting"],
        )
        left = Q(status="running", lease_expires_at__lt=clock.now())
        return (
            self.filter(Q(status="pending") | left)
            .filter(Q(serial_key="") | ~Exists(earlier))
            .order_by("id")
        )


class EventQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "EventQuerySet":
        return self if user.is_staff else self.filter(execution__user=user)

    def after(self, execution_id: Any, seq: int) -> "EventQuerySet":
        """The rows that hold any event of this execution numbered above `seq`, in order."""
        return self.filter(execution_id=execution_id, seq__gt=seq).order_by("seq")
