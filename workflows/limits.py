"""Which limits a run has: the least of the server's, its user's and its definition's."""

from typing import Any

from accounts.limits import limits_of, lowered, server_limits
from accounts.models import User
from core.limits import RunLimits
from workflows.models import WorkflowDefinition, WorkflowExecution


def limits_for(user: User, definition: WorkflowDefinition | None = None) -> RunLimits:
    """Those of a run that begins now. Reads rows that are loaded already."""
    limits = limits_of(user)
    return lowered(limits, definition.limits) if definition else limits


def kept_limits(user: User, definition: WorkflowDefinition | None) -> dict[str, Any]:
    """What an execution keeps of them: those that differ from the server's."""
    if not user.limits and not (definition and definition.limits):
        return {}
    return limits_for(user, definition).differing(server_limits())


def limits_in(execution: WorkflowExecution) -> RunLimits:
    """Those the execution began with, however often it is taken up."""
    return server_limits().with_given(execution.limits)
