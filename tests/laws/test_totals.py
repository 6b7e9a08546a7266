"""Promise 3: kept numbers equal a recount, and the audit is whole, after whatever happened."""

from collections import Counter
from math import ceil
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from accounts.models import User
from analytics.dashboard import counters
from analytics.rollups.histogram import bucket_of, middle_of
from audit.verification import verify
from conversations.models import Message
from core import clock
from core.aggregates import all_differences
from core.money import dollars_text
from llms.models import ModelCall
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import events_of, take_up
from tests.laws.histories import Town, histories, undone
from workflows.models import WorkflowExecution

lawful = settings(
    max_examples=14, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.usefixtures("built_in")
@given(histories)
@lawful
def test_kept_numbers_equal_a_recount(history: list[tuple[Any, ...]]) -> None:
    with undone():
        town = Town()
        for step in history:
            town.act(step)
            assert list(all_differences()) == []
        take_up()
        assert list(all_differences()) == []
        assert verify().ok
        under_way = WorkflowExecution.objects.under_way()
        assert not under_way.exclude(status="waiting").exists()
        assert not ModelCall.objects.filter(
            status="open", origin__in=_origins(), settled_at=None
        ).exists()


@pytest.mark.django_db
def test_who_deletes_a_run_that_has_ended_or_gone_since_it_was_read_takes_off_what_it_counts(
    alice: User, api: Any, built_in: None, drain: Any
) -> None:
    for message in ("hello", "hello again"):
        told = api(alice).post("/api/v1/chat/", {"message": message, "mode": "background"})
        assert told.status_code == 202
    one, the_same = WorkflowExecution.objects.first(), WorkflowExecution.objects.first()
    drain()
    for execution in (one, the_same):
        assert execution is not None
        execution.delete()
        assert list(all_differences()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("model", [WorkflowExecution, Message])
def test_what_is_deleted_is_read_once_more_and_alone_however_many_totals_it_is_in(
    model: Any, alice: User, api: Any, built_in: None, drain: Any
) -> None:
    api(alice).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    drain()
    with CaptureQueriesContext(connection) as queries:
        model.objects.first().delete()
    table = model._meta.db_table
    again = f'FROM "{table}" WHERE "{table}"."id" ='
    assert sum(again in query["sql"] for query in queries) == 1
    assert list(all_differences()) == []


@pytest.mark.django_db
def test_with_a_user_the_least_and_the_greatest_of_their_workflow_go(
    alice: User, charlie: User, api: Any, built_in: None, drain: Any
) -> None:
    for user in (alice, charlie):
        made = api(user).post("/api/v1/definitions/", {"name": "Report", "graph": graph(asks())})
        address = f"/api/v1/definitions/{made.json()['id']}/execute/"
        body = {"input": {"message": "hello"}, "mode": "background"}
        assert [api(user).post(address, body).status_code for _ in range(2)] == [202, 202]
    drain()
    alice.delete()
    assert list(all_differences()) == []


@pytest.mark.usefixtures("built_in")
@given(histories)
@lawful
def test_the_dashboard_tells_what_is_in_the_tables(history: list[tuple[Any, ...]]) -> None:
    with undone():
        town = Town()
        for step in history:
            town.act(step)
            told = counters()
            assert told["today"] == _usage()
            states = [one.status for one in WorkflowExecution.objects.all().under_way()]
            assert told["queued"] == states.count("pending")
            assert told["running"] == states.count("running")
            assert told["waiting"] == states.count("waiting")
            assert told["last_minute"] == _last_minute()
            shown = {one["id"]: (one["node"], one["events"]) for one in told["executions"]}
            assert shown == _progress()


@pytest.mark.usefixtures("built_in")
@given(histories)
@lawful
def test_a_price_change_moves_no_past_cost(history: list[tuple[Any, ...]]) -> None:
    with undone():
        town = Town()
        costs: dict[Any, Any] = {}
        for step in history:
            town.act(step)
            now = _costs()
            assert {pk: now[pk] for pk in costs if pk in now} == {
                pk: cost for pk, cost in costs.items() if pk in now
            }
            costs = now


def _usage() -> dict[str, Any]:
    """Model calls of today as they stand in the ledger."""
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    settled = ModelCall.objects.filter(settled_at__isnull=False, started_at__gte=midnight)
    calls = list(settled.filter(answered_by="provider"))
    exactness = [call.exactness for call in calls]
    worst = next((one for one in ("open", "unpriced", "estimated") if one in exactness), "metered")
    known = [call.cost_nano_usd for call in calls if call.exactness in ("metered", "estimated")]
    nothing_known = bool(calls) and not known
    return {
        "calls": len(calls),
        "total_tokens": sum(call.total_tokens or 0 for call in calls),
        "cost": None if nothing_known else dollars_text(sum(cost or 0 for cost in known)),
        "exactness": worst,
    }


def _progress() -> dict[str, tuple[str, int]]:
    """The node that the log of each execution under way named last, and how many events it has."""
    found = {}
    for execution in WorkflowExecution.objects.all().under_way():
        events = events_of(execution)
        nodes = [one["data"]["node"] for one in events if one["data"].get("node")]
        found[str(execution.pk)] = (nodes[-1] if nodes else "", events[-1]["seq"] if events else 0)
    return found


def _last_minute() -> dict[str, Any]:
    """How executions ended that did in the last minute; the histories are shorter than one."""
    ended = WorkflowExecution.objects.filter(finished_at__isnull=False).exclude(rerun="replay")
    ends = Counter(ended.values_list("status", flat=True))
    took = sorted(one for one in ended.values_list("duration_ms", flat=True) if one is not None)
    p95 = took[ceil(0.95 * len(took)) - 1] if took else None
    bucketed = None if p95 is None else middle_of(bucket_of(p95))
    return {**{one: ends[one] for one in ("completed", "failed", "cancelled")}, "p95_ms": bucketed}


def _costs() -> dict[Any, Any]:
    settled = ModelCall.objects.filter(settled_at__isnull=False)
    return dict(settled.values_list("pk", "cost_nano_usd"))


def _origins() -> list[str]:
    return [execution.origin for execution in WorkflowExecution.objects.all()]
