"""The tables of workflows."""

from workflows.models.approval import Approval, ApprovalStatus
from workflows.models.definition import DefinitionVersion, WorkflowDefinition, WorkflowVersion
from workflows.models.event import ExecutionEvent
from workflows.models.execution import (
    AT_ONCE,
    MOVES,
    TERMINAL,
    ExecutionKind,
    ExecutionStatus,
    Rerun,
    WorkflowExecution,
    sources_of,
)
from workflows.models.idempotency import IdempotencyKey
from workflows.models.pump_host import PumpHost
from workflows.models.template import WorkflowTemplate

__all__ = [
    "AT_ONCE",
    "MOVES",
    "TERMINAL",
    "Approval",
    "ApprovalStatus",
    "DefinitionVersion",
    "ExecutionEvent",
    "ExecutionKind",
    "ExecutionStatus",
    "IdempotencyKey",
    "PumpHost",
    "Rerun",
    "WorkflowDefinition",
    "WorkflowExecution",
    "WorkflowTemplate",
    "WorkflowVersion",
    "sources_of",
]
