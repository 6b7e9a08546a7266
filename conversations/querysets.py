"""Every read of conversations for a user starts at `visible_to`."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from workflows.models import WorkflowDefinition, WorkflowTemplate

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
        definitions = WorkflowDefinition.objects.visible_to(reader)
        templates = WorkflowTemplate.objects.visible_to(reader)
        return self.annotate(
            workflow=Coalesce(
                Subquery(definitions.filter(pk=OuterRef("execution__definition")).values("name")),
                Subquery(templates.filter(pk=OuterRef("execution__template")).values("name")),
            )
        )

    def in_order(self) -> "MessageQuerySet":
        return self.order_by("turn", "id")
