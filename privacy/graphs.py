"""Graphs are shared by their content: the author's are exported, what only one used is emptied."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from privacy.table import json_lines
from privacy.tables import UNIQUE
from workflows.definition.graph import Edge, GraphDefinition, NodeSpec
from workflows.models import (
    DefinitionVersion,
    ExecutionKind,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
)

_EMPTY = GraphDefinition(
    nodes=(NodeSpec(id="start", type="start"), NodeSpec(id="end", type="end")),
    edges=(Edge(source="start", target="end"),),
)


def graph_lines(user: User) -> Iterator[bytes]:
    """Those in the user's workflows and templates, and those sent to be run once, as JSON.

    Those of others that the user ran are not the user's to have.
    """
    once = Q(user=user, kind=ExecutionKind.CUSTOM)
    return json_lines(
        WorkflowVersion.objects.filter(_used(once, Q(owner=user), Q(definition__owner=user))),
        ("id", "created_at", "content_hash", "graph"),
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
