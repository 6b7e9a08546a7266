"""Records facts for the rollups, in the transaction in which they happen."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db.models import Model, Q
from django.db.models.signals import post_delete, post_save

from accounts.models import User
from analytics.models import ExecutionRollup, ModelRollup, RollupPart, ToolRollup
from analytics.rollups.facts import EXECUTIONS, KINDS, MODEL_CALLS, TOOL_CALLS, FactKind, Row
from analytics.rollups.folding import LOCK, PARTS, fold_some
from core.aggregates import when_deleted
from core.bulk import insert_gathered
from core.locks import locked
from llms.signals import model_calls_settled
from tools.signals import tool_calls_settled
from workflows.models import WorkflowDefinition, WorkflowTemplate
from workflows.signals import executions_finished


def add_facts(kind: FactKind, rows: Iterable[Row], sign: int = 1) -> None:
    """One row for all of them; `sign` is -1 for those that are no more."""
    if facts := kind.facts_of(rows):
        insert_gathered(RollupPart, [{"kind": kind.key, "sign": sign, "facts": facts}])


def forget(which: Q) -> None:
    """Drop the buckets of what is deleted, and of whom: rows that stay no longer name it."""
    with locked(LOCK):
        while fold_some() == PARTS:
            pass
        for rollup in (ExecutionRollup, ModelRollup, ToolRollup):
            rollup._base_manager.filter(which).delete()


def on_executions_finished(executions: list[Row], **_: Any) -> None:
    add_facts(EXECUTIONS, executions)


def on_model_calls_settled(calls: list[Row], **_: Any) -> None:
    add_facts(MODEL_CALLS, calls)


def on_tool_calls_settled(calls: list[Row], **_: Any) -> None:
    add_facts(TOOL_CALLS, calls)


def on_user_deleted(instance: User, **_: Any) -> None:
    forget(Q(whose=str(instance.pk)))


def on_template_deleted(instance: WorkflowTemplate, **_: Any) -> None:
    forget(Q(dimension="template", subject=str(instance.pk)))


def on_definition_deleted(instance: WorkflowDefinition, **_: Any) -> None:
    key = str(instance.pk)
    of_version = Q(dimension="version", subject__startswith=f"{key}:")
    forget(Q(dimension="definition", subject=key) | of_version)


def connect() -> None:
    executions_finished.connect(on_executions_finished, dispatch_uid="rollups.executions")
    model_calls_settled.connect(on_model_calls_settled, dispatch_uid="rollups.model_calls")
    tool_calls_settled.connect(on_tool_calls_settled, dispatch_uid="rollups.tool_calls")
    for model, receiver in (
        (User, on_user_deleted),
        (WorkflowTemplate, on_template_deleted),
        (WorkflowDefinition, on_definition_deleted),
    ):
        post_delete.connect(receiver, model, dispatch_uid=f"rollups.{model.__name__}")
    for kind in KINDS.values():
        _connect_rows(kind)


def _connect_rows(kind: FactKind) -> None:
    """Rows that are saved or deleted one by one: in a shell, the back office, by a cascade."""

    def on_saved(instance: Model, created: bool, raw: bool = False, **_: Any) -> None:
        if created and not raw:
            add_facts(kind, [vars(instance)])

    post_save.connect(on_saved, kind.source, weak=False, dispatch_uid=f"told {kind.key}")
    when_deleted(kind.source, partial(add_facts, kind, sign=-1), dispatch_uid=f"untold {kind.key}")
