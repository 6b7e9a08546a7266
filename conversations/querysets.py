"""Every read of conversations for a user starts at `visible_to`."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import OuterRef, Subquery

from workflows.models import WorkflowExecution

if TYPE_CHECKING:
    from accounts.models import User


class ConversationQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ConversationQuerySet":
        """One's own: what people say to a model is not the staff's to read here."""
        return self.filter(owner=user)

    def counted_for(self, user: "User") -> "ConversationQuerySet":
        """One's own; staff see the numbers of all, and of nobody else's the words."""
        return self if user.is_staff else self.visible_to(user)

    def for_list(self) -> "ConversationQuerySet":
        return self.defer("summary")


class MessageQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "MessageQuerySet":
        return self.filter(conversation__owner=user)

    def counted_for(self, user: "User") -> "MessageQuerySet":
        """One's own; staff see when all were written, and of nobody else's the words."""
        return self if user.is_staff else self.visible_to(user)

    def sent(self) -> "MessageQuerySet":
        """What people wrote, not what they were answered."""
        return self.filter(role="user")

    def with_workflow(self, reader: "User") -> "MessageQuerySet":
        """`workflow`: what people call the template or definition that answers, if they see it."""
        runs = WorkflowExecution.objects.with_workflow(reader).filter(pk=OuterRef("execution"))
        return self.annotate(workflow=Subquery(runs.values("workflow")))

    def in_order(self) -> "MessageQuerySet":
        return self.order_by("turn", "id")
