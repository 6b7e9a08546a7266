"""Which calls were for which workflow or conversation, and whose these are, as budgets ask."""

from uuid import UUID

from django.db import connection
from django.db.models import Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat, Substr

from accounts.models import User
from budgets.periods import Span
from conversations.models import Conversation
from core import origins
from llms.budget_ledger import CallLedger
from workflows.models import WorkflowDefinition, WorkflowExecution
from workflows.querysets import ExecutionQuerySet

_OF_A_UUID = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))  # the parts between its dashes


class Ledger(CallLedger):
    """Implements `budgets.ledger.Ledger`."""

    def may_limit(self, user: User, scope: str, pk: UUID) -> bool:
        if scope == "conversation":
            return Conversation.objects.visible_to(user).filter(pk=pk).exists()
        model = WorkflowDefinition if scope == "definition" else WorkflowExecution
        return model.objects.visible_to(user).filter(pk=pk).exists()

    def exists(self, key: str) -> bool:
        scope, _, pk = key.partition(":")
        models = {"conversation": Conversation, "definition": WorkflowDefinition}
        model = models.get(scope)
        return model is None or model._default_manager.filter(pk=pk).exists()

    def _named(self, key: str, span: Span) -> Q:
        scope, _, pk = key.partition(":")
        if scope == "definition":
            return self._of_runs(WorkflowExecution.objects.filter(definition=UUID(pk)), span)
        if scope == "conversation":
            return self._of_runs(WorkflowExecution.objects.in_series(key), span)
        return super()._named(key, span)

    def _of_runs(self, runs: ExecutionQuerySet, span: Span) -> Q:
        """The calls of those of them that had not ended when the span began."""
        late = Q(finished_at=None) | Q(finished_at__gte=span.begins_at)
        named = runs.filter(late).order_by().annotate(named=_origin())
        return Q(origin__in=named.values("named"))


def _origin() -> Combinable:
    """How rows of the ledger name an execution, as the database writes it."""
    text = Cast("id", TextField())
    if connection.vendor != "sqlite":  # which has no type for it, and no dashes in it
        return Concat(Value(origins.EXECUTION), text, output_field=TextField())
    parts = [part for at, size in _OF_A_UUID for part in (Value("-"), Substr(text, at, size))]
    return Concat(Value(origins.EXECUTION), *parts[1:], output_field=TextField())
