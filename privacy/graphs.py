"""Graphs are shared by their content: what only one person used is emptied, the row stays."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from privacy.tables import UNIQUE
from workflows.definition.graph import Edge, GraphDefinition, NodeSpec
from workflows.models import (
    DefinitionVersion,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
)

_EMPTY = GraphDefinition(
    nodes=(NodeSpec(id="start", type="start"), NodeSpec(id="end", type="end")),
    edges=(Edge(source="start", target="end"),),
)


def empty_graphs(user: User) -> int:
    """Empty those that only this user ran, kept or drew up; returns how many.

    A graph that others have or ran is theirs, too, and stays. Not one that a run of others names
    (`pins`), which may still be run again.
    """
    mine = _used(Q(user=user), Q(owner=user), Q(definition__owner=user))
    theirs = _used(~Q(user=user), ~Q(owner=user) | Q(owner=None), ~Q(definition__owner=user))
    return (
        WorkflowVersion.objects.filter(mine | Q(content_hash__in=_pinned(Q(user=user))))
        .exclude(theirs)
        .exclude(content_hash__in=_pinned(~Q(user=user)))
        .update(graph=_EMPTY.content, content_hash=UNIQUE)
    )


def _used(runs: Q, owned: Q, history: Q) -> Q:
    return Q(
        *(
            Exists(rows.filter(version=OuterRef("pk")))
            for rows in (
                WorkflowExecution.objects.filter(runs),
                WorkflowDefinition.objects.filter(owned),
                WorkflowTemplate.objects.filter(owned),
                DefinitionVersion.objects.filter(history),
            )
        ),
        _connector=Q.OR,
    )


def _pinned(runs: Q) -> set[str]:
    """The content hashes that executions name."""
    rows: QuerySet[WorkflowExecution] = WorkflowExecution.objects.filter(runs).exclude(pins={})
    pins = rows.order_by().values_list("pins", flat=True)
    return {content_hash for one in pins.iterator() for content_hash in one.values()}
