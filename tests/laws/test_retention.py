"""What is pruned is nothing that anything is counted from."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model, QuerySet
from hypothesis import HealthCheck, Phase, given, settings

from analytics.definitions import numbers_of
from analytics.reports.span import Span
from audit.models import AuditEntry, UnsealedGroup
from audit.verification import verify
from core.aggregates import all_differences
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import take_up
from tests.laws.histories import Town, histories, prune_all, undone
from workflows.models import ExecutionEvent, WorkflowDefinition, WorkflowExecution
from workflows.tracking.log import read_log

MAY_GO = {
    "workflows.ExecutionEvent",
    "workflows.IdempotencyKey",
    "triggers.ScheduleFiring",
    "triggers.ChainFiring",
    "webhooks.WebhookDelivery",
    "webhooks.WebhookMessage",
    "webhooks.WebhookAttempt",
    "sessions.Session",
    "security.SecurityAlert",
    "accounts.Lockout",
    "django_q.Task",
}
PIECES = {"text.delta", "reasoning.delta", "node.input", "node.output"}


@pytest.mark.usefixtures("built_in")
@given(histories)
@settings(
    max_examples=14,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],
)
def test_after_any_history_all_but_the_pieces_of_old_logs_is_as_it_was(
    history: list[tuple[Any, ...]],
) -> None:
    with undone():
        town = Town()
        for step in [("say", "please fail", 1), *history]:
            town.act(step)
        take_up()
        rows, logs = dict(_rows()), _logs()
        prune_all()
        assert dict(_rows()) == rows
        waiting = set(WorkflowExecution.objects.under_way().values_list("pk", flat=True))
        told = {pk: log if pk in waiting else _told(log) for pk, log in logs.items()}
        assert _logs() == told
        assert list(all_differences()) == []
        assert verify().ok


def test_the_numbers_of_a_workflow_and_its_nodes_stay(api, alice, built_in, drain) -> None:
    made = api(alice).post(
        "/api/v1/definitions/",
        {"name": "Report", "graph": graph(asks("One.", node="one"), asks("Two.", node="two"))},
    )
    address = f"/api/v1/definitions/{made.json()['id']}/"
    for message in ("hello", "please fail"):
        body = {"input": {"message": message}, "mode": "background", "debug": True}
        assert api(alice).post(address + "execute/", body).status_code == 202
        drain()
    definition = WorkflowDefinition.objects.get()
    span = Span.of({})
    before, rows = numbers_of(definition, span, last=10), ExecutionEvent.objects.count()
    prune_all()
    assert ExecutionEvent.objects.count() < rows
    assert numbers_of(definition, span, last=10) == before


def _rows() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for model in apps.get_models():
        if model._meta.label not in MAY_GO:
            yield model._meta.label, list(_untold(model).order_by("pk").values())


def _untold(model: type[Model]) -> QuerySet[Any]:
    """Its rows, but for the entry that tells of the prune itself."""
    rows = model._base_manager.all()
    told = AuditEntry._base_manager.filter(action="core.rows.pruned")
    if model is AuditEntry:
        return rows.exclude(pk__in=told)
    return rows.exclude(pk__in=told.values("group_id")) if model is UnsealedGroup else rows


def _logs() -> dict[Any, list[dict[str, Any]]]:
    executions = WorkflowExecution.objects.values_list("pk", flat=True)
    return {pk: [frame.event() for frame in read_log(pk)] for pk in executions}


def _told(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a pruned log tells: the rest, each event with how many are missing before it."""
    kept, last = [], 0
    for event in log:
        if event["type"] in PIECES:
            continue
        missing = event["seq"] - last - 1
        kept.append({**event, "pruned": missing} if missing else event)
        last = event["seq"]
    return kept
