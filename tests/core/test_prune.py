"""`manage.py prune` takes what is old, and nothing that somebody still needs."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django_q.models import Failure, Schedule

from accounts.models import Lockout
from core import clock
from core.retention import prune_as_set, prune_now_and_then
from security.models import SecurityAlert
from tests.definitions.graphs import asks, graph
from tests.plans import plans
from tests.triggers.conftest import CHAINS, follow
from triggers.models import ChainFiring, ScheduleFiring
from webhooks.models import WebhookDelivery, WebhookMessage
from workflows.models import ExecutionEvent, IdempotencyKey, WorkflowExecution

pytestmark = pytest.mark.django_db


def prune(*kinds: str, **options: Any) -> dict[str, str]:
    told = StringIO()
    call_command("prune", *kinds, stdout=told, **options)
    lines = [line.split(": ") for line in told.getvalue().splitlines()]
    return {line[0]: line[1] for line in lines if len(line) == 2}


@pytest.fixture
def client(alice, api, built_in) -> Any:
    return api(alice)


@pytest.fixture
def workflow(client) -> str:
    made = client.post("/api/v1/definitions/", {"name": "Report", "graph": graph(asks("One."))})
    return str(made.json()["id"])


@pytest.fixture
def ran(client, workflow, drain) -> Callable[[float], WorkflowExecution]:
    """Run it, as if that had been so many days ago."""

    def run(days_ago: float) -> WorkflowExecution:
        body = {"input": {"message": "hello"}, "mode": "background"}
        told = client.post(f"/api/v1/definitions/{workflow}/execute/", body).json()
        drain()
        rows = WorkflowExecution.objects.filter(pk=told["execution"]["id"])
        rows.update(finished_at=clock.now() - timedelta(days=days_ago))
        return rows.get()

    return run


def test_logs_are_kept_for_good_unless_somebody_says_how_long(ran, settings):
    old = ran(1000)
    rows = old.events.count()
    assert prune()["events"] == "kept for good"
    assert old.events.count() == rows
    settings.CHATTER_KEPT_DAYS = {**settings.CHATTER_KEPT_DAYS, "events": 30}
    assert int(prune()["events"]) > 0
    assert old.events.count() == 1


def test_what_is_kept_for_good_goes_only_when_it_is_named(ran):
    old = ran(1000)
    rows = old.events.count()
    assert prune(older_than=30)["events"] == "kept for good"
    assert old.events.count() == rows
    assert int(prune("events", older_than=30)["events"]) > 0
    assert old.events.count() == 1


def test_only_logs_of_runs_that_ended_before_are_pruned(ran):
    old, new = ran(31), ran(29)
    before = new.events.count()
    prune("events", older_than=30)
    assert (old.events.count(), new.events.count()) == (1, before)


def test_a_run_that_goes_on_keeps_its_log(client, workflow):
    body = {"input": {"message": "hello"}, "mode": "background"}
    client.post(f"/api/v1/definitions/{workflow}/execute/", body)
    before = list(ExecutionEvent.objects.values())
    prune("events", older_than=0)
    assert list(ExecutionEvent.objects.values()) == before


def test_a_dry_run_tells_the_same_and_takes_nothing(ran):
    ran(31)
    before = list(ExecutionEvent.objects.values())
    told = prune("events", older_than=30, dry_run=True)
    assert list(ExecutionEvent.objects.values()) == before
    assert prune("events", older_than=30) == told
    assert prune("events", older_than=30)["events"] == "0"


def test_a_kind_can_be_pruned_alone(ran):
    old = ran(31)
    assert prune("sessions", older_than=30) == {"sessions": "0"}
    assert old.events.count() > 1
    with pytest.raises(CommandError, match="no ledger"):
        prune("ledger")


def test_more_than_one_step_takes_it_all(ran, monkeypatch):
    monkeypatch.setattr("workflows.tracking.pruning._AT_ONCE", 2)
    old = [ran(40) for _ in range(5)]
    prune("events", older_than=30)
    assert [one.events.count() for one in old] == [1] * 5


def test_sessions_go_when_they_have_expired(client, alice):
    store = import_module(django_settings.SESSION_ENGINE).SessionStore()
    store.set_expiry(-10)
    store.create()
    assert prune(older_than=1000)["sessions"] == "1"
    assert Session.objects.count() == 1, "alice's is of now"


@pytest.mark.parametrize(
    ("model", "index"),
    [
        (IdempotencyKey, "workflows_key_age"),
        (Lockout, "accounts_lockout_age"),
        (SecurityAlert, "security_by_age"),
        (WebhookDelivery, "webhooks_delivery_age"),
        (WebhookMessage, "webhooks_message_age"),
    ],
)
def test_what_is_old_is_found_by_its_age(model, index):
    """Every hour; SQLite had looked at each row there was, while nobody else could write."""
    with plans(model) as steps:
        prune_as_set()
    assert steps
    assert all(index in step for step in steps)


def test_jobs_that_failed_go_after_a_month():
    for days in (31, 29):
        at = clock.now() - timedelta(days=days)
        Failure.objects.create(
            id=f"{days:032}", name="job", func="a.b", started=at, stopped=at, success=False
        )
    assert prune()["failed_jobs"] == "1"


def test_the_newest_firing_of_a_schedule_stays(client, workflow, drain):
    body = {"name": "Daily", "kind": "interval", "every_s": 60, "definition": workflow}
    made = client.post("/api/v1/schedules/", {**body, "input": {"message": "hello"}}).json()
    for _ in range(3):
        told = client.post(f"/api/v1/schedules/{made['id']}/run-now/")
        assert told.status_code in (200, 201, 202), told.json()
    newest = ScheduleFiring.objects.first()
    ScheduleFiring.objects.update(created_at=clock.now() - timedelta(days=400))
    assert prune()["schedule_firings"] == "2"
    assert ScheduleFiring.objects.get() == newest


def test_what_is_still_to_follow_or_goes_on_is_remembered(client, workflow, ran):
    """How deep a line of chains is, is known from the firing that started its last execution."""
    other = client.post("/api/v1/definitions/", {"name": "Then", "graph": graph()}).json()["id"]
    chain = {"name": "Then", "after_definition": workflow, "definition": other, "input": {}}
    assert client.post(CHAINS, chain).status_code == 201
    ran(0)
    ChainFiring.objects.update(created_at=clock.now() - timedelta(days=400))
    assert prune()["chain_firings"] == "0", "it waits to be followed"
    follow()
    assert ChainFiring.objects.get().status == "started"
    assert prune()["chain_firings"] == "0", "what it started goes on"
    over = {"status": "cancelled", "finished_at": clock.now() - timedelta(days=399)}
    WorkflowExecution.objects.filter(definition=other).update(**over)
    assert prune()["chain_firings"] == "1"


@pytest.mark.parametrize("pruning", [prune_as_set, async_to_sync(prune_now_and_then.work)])
def test_it_is_done_by_itself(pruning, ran, settings):
    settings.CHATTER_KEPT_DAYS = {**settings.CHATTER_KEPT_DAYS, "events": 30}
    old = ran(31)
    pruning()
    assert old.events.count() == 1


def test_where_workers_run_the_queue_does_it_every_hour():
    call_command("prepare")
    assert Schedule.objects.get(func="core.retention.prune_as_set").minutes == 60
