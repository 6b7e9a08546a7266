"""One pipeline of checks, used wherever a graph comes in. It tells all issues and never raises.

The steps, in the order in which their issues are told:

1. *document*: JSON that can be stored, not too deep, not too large.
2. *schema*: a graph; known node types, each with settings it knows.
3. *structure*: one start, an end that can be reached, edges between ports there are, rounds only
   through loops, no two branches that set one variable at once.
4. *references*: expressions that parse, and name what may have been written before.
5. *security*: no secrets in plain text, no private addresses.
6. *capability*: models that can do what they are asked.
7. *resources*: what is named exists, and the user may use it.
8. *limits*: how much it is, and about how long a run takes and what it costs.

Steps 6 and 7 need a user to ask for; all others look at the document alone.
"""

from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from accounts.limits import limits_of, server_limits
from accounts.models import User
from core.limits import RunLimits
from workflows.definition.graph import GraphDefinition
from workflows.registry import NODE_TYPES
from workflows.validation.bounds import Limits
from workflows.validation.document import malformed
from workflows.validation.issue import Issue, errors_in
from workflows.validation.subject import World
from workflows.validation.validator import WorkflowValidator
from workflows.validation.world import WorldOf
from workflows.validation.worst_case import WorstCase


def validate(
    document: Any,
    user: User | None = None,
    *,
    params: Collection[str] | None = None,
    within: UUID | None = None,
    limits: RunLimits | None = None,
) -> list[Issue]:
    """Every issue of a graph given as JSON; with `user`, also of what this user may not name.

    `params` are the parameters it may name; None: any. `within` is the workflow whose graph it is
    to become. `limits` are those of its runs; None: the user's, else the server's.
    """
    world = WorldOf(user) if user else None
    above = str(within) if within else None
    if limits is None:
        limits = limits_of(user) if user else server_limits()
    return _validator().validate(document, world=world, params=params, within=above, run=limits)


def validate_text(text: bytes, user: User | None = None) -> list[Issue]:
    """As `validate`, of what should be a JSON text; that it is none is an issue, too.

    It is read as where it would be saved or run.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as unreadable:
        return [malformed(unreadable)]
    return validate(document, user)


def validate_start(graph: GraphDefinition, user: User, world: WorldOf | None = None) -> list[Issue]:
    """The issues of a stored graph with its parameters in their places, for who starts it.

    `world` is the user's, for who wants to know afterwards what was found in it.
    """
    return _validator().validate_start(graph, world or WorldOf(user))


def worst_case(graph: GraphDefinition, user: User, limits: RunLimits) -> WorstCase:
    """What a run of a sound graph with its parameters in their places may use at most."""
    return _validator().worst_case(graph, WorldOf(user), limits)


@cache
def _validator() -> WorkflowValidator:
    return WorkflowValidator(NODE_TYPES, Limits(**settings.CHATTER_GRAPH_LIMITS))


__all__ = [
    "Issue",
    "errors_in",
    "validate",
    "validate_start",
    "validate_text",
    "World",
    "WorldOf",
    "WorstCase",
    "worst_case",
]
