"""Reads: bound graphs from memory, executions one may see, names one may not."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import ValidationError

from accounts.models import User
from core.errors import NotFound
from workflows.definition.binding import bound
from workflows.definition.graph import GraphDefinition
from workflows.models import (
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
)
from workflows.registry import NODE_TYPES

MOST_DELETED = 10_000
_UNSEEN = "no longer shared"


def bound_graph(version: WorkflowVersion, parameters: Mapping[str, Any]) -> GraphDefinition:
    """The graph with its parameters in their places; cached, for versions never change."""
    return _bound(version, orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=512)
def _bound(version: WorkflowVersion, parameters: bytes) -> GraphDefinition:
    graph = GraphDefinition.model_validate(version.graph)
    return bound(graph, orjson.loads(parameters), NODE_TYPES)


@lru_cache(maxsize=512)
def kept_version(pk: UUID) -> WorkflowVersion:
    """The version of this id; kept, for versions never change."""
    found: WorkflowVersion = WorkflowVersion.objects.get(pk=pk)
    return found


@lru_cache(maxsize=512)
def version_called(content_hash: str) -> WorkflowVersion:
    """The version of this hash; kept, for versions never change."""
    found: WorkflowVersion = WorkflowVersion.objects.get(content_hash=content_hash)
    return found


def execution_for(user: User, pk: str | UUID) -> WorkflowExecution:
    """One execution this user may see. Raises NotFound."""
    try:
        return WorkflowExecution.objects.visible_to(user).for_list().get(pk=pk)
    except (WorkflowExecution.DoesNotExist, ValidationError, ValueError) as error:
        raise NotFound from error


def too_many_to_delete(users: Iterable[User]) -> list[str]:
    """Whose executions are more than one request can delete: PostgreSQL takes no such statement."""
    return [
        f"{user} has more than {MOST_DELETED:,} executions: erase the user, which leaves them"
        " without a word of what was said."
        for user in users
        if WorkflowExecution.objects.filter(user=user).order_by()[: MOST_DELETED + 1].count()
        > MOST_DELETED
    ]


def name_unseen(targets: Iterable[Any], reader: User) -> None:
    """Take its name from each template or definition that the reader may not see.

    For rows that are shown and not saved. Two queries at most.
    """
    found = list(targets)
    for kind in (WorkflowTemplate, WorkflowDefinition):
        those = [one for one in found if isinstance(one, kind)]
        wanted = kind.objects.filter(pk__in={one.pk for one in those})
        seen = set(wanted.visible_to(reader).values_list("pk", flat=True)) if those else set()
        for one in those:
            if one.pk not in seen:
                one.name = _UNSEEN
