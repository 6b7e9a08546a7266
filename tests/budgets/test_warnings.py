"""So much of a budget is used: told once for each period and threshold, as it happens."""

from datetime import timedelta

import orjson
import pytest
from django.db.models import F

from audit.models import AuditEntry
from budgets.models import BudgetPeriod
from core import clock
from tests.budgets.runs import USED, finished, one_call, period_of
from tests.drills.mortal import take_up
from tests.factories.budgets import a_budget
from webhooks.models import WebhookEndpoint, WebhookMessage
from workflows.models import WorkflowDefinition

WARNED = "budgets.budget.warned"


@pytest.fixture
def hears():
    def listens(owner, events=("budget.warned",), **fields):
        return WebhookEndpoint.objects.create(
            owner=owner,
            name="Desk",
            url="http://localhost/",
            events=list(events),
            secret="x",
            **fields,
        )

    return listens


def thresholds():
    found = AuditEntry.objects.filter(action=WARNED).order_by("id")
    return [entry.detail["threshold"] for entry in found]


def again(client, execution):
    url = f"/api/v1/definitions/{execution.definition_id}/execute/"
    client.post(url, {"mode": "background"})
    finished(execution)


def test_each_threshold_is_told_once_as_it_is_crossed(begin, client, alice, hears):
    hears(alice)
    budget = a_budget("user", alice.pk, by=alice, cap=4 * USED, active=False)
    execution = finished(begin(one_call()))
    told = [thresholds()]
    for _ in range(2):
        again(client, execution)
        told.append(thresholds())
    assert told == [[], [50], [50]]
    assert period_of(budget).spent == 3 * USED
    (message,) = WebhookMessage.objects.all()
    body = orjson.loads(message.body)
    assert (message.type, body["data"]["budget"]) == ("budget.warned", str(budget.pk))
    assert (body["data"]["threshold"], body["data"]["spent"]) == (50, 2 * USED)


def test_one_call_that_crosses_several_tells_of_each(begin):
    budget = a_budget(cap=1_000)
    execution = begin(one_call())
    type(budget).objects.filter(pk=budget.pk).update(cap=USED, active=False)
    finished(execution)
    assert thresholds() == [50, 80, 100]
    assert period_of(budget).warned == 100


def test_a_budget_made_when_much_is_used_says_so(begin):
    finished(begin(one_call()))
    a_budget(cap=USED + USED // 4)
    assert thresholds() == [50, 80]


def test_lowering_a_cap_can_cross_a_threshold(begin, client, alice):
    budget = a_budget("user", alice.pk, by=alice)
    finished(begin(one_call()))
    client.patch(f"/api/v1/budgets/{budget.pk}/", {"cap": str(USED * 2)})
    assert thresholds() == [50]


def test_of_a_cap_that_is_raised_it_is_told_again_when_it_is_used_up(begin, client, alice):
    budget = a_budget("user", alice.pk, by=alice, cap=USED, active=False, period="total")
    execution = finished(begin(one_call()))
    client.patch(f"/api/v1/budgets/{budget.pk}/", {"cap": str(USED * 2)})
    assert thresholds() == [50, 80, 100]
    again(client, execution)
    assert thresholds() == [50, 80, 100, 80, 100]


def test_a_threshold_that_is_taken_away_is_not_reached(begin, client, alice):
    budget = a_budget("user", alice.pk, by=alice, cap=USED, active=False)
    finished(begin(one_call()))
    address = f"/api/v1/budgets/{budget.pk}/"
    for warn_at, reached in (([50, 80], 80), ([50], 50), ([], None), ([70], 70)):
        told = client.patch(address, {"warn_at": warn_at}).json()
        assert told["now"]["reached"] == reached
    assert thresholds() == [50, 80, 100, 70]


def test_a_period_that_is_over_is_not_warned_of(begin, client, alice):
    budget = a_budget("user", alice.pk, by=alice, period="day")
    finished(begin(one_call()))
    day = timedelta(days=1)
    BudgetPeriod.objects.update(begins_at=F("begins_at") - day, ends_at=F("ends_at") - day)
    client.patch(f"/api/v1/budgets/{budget.pk}/", {"cap": str(USED * 2)})
    assert thresholds() == []


def test_another_period_warns_anew(begin, client):
    budget = a_budget(cap=10 * USED, period="day", warn_at=[1])
    execution = finished(begin(one_call()))
    yesterday = clock.now() - timedelta(days=1)
    BudgetPeriod.objects.update(begins_at=yesterday, ends_at=yesterday)
    budget.periods.update(spent=0, carried=0)
    budget.periods.first().charges.all().delete()
    client.post(f"/api/v1/definitions/{execution.definition_id}/execute/", {"mode": "background"})
    take_up()
    assert thresholds() == [1, 1]


def test_who_made_it_and_whom_it_is_on_are_told_and_nobody_else(
    begin, alice, admin, charlie, hears
):
    execution = begin(one_call())
    told = {hears(alice).pk, hears(admin).pk}
    hears(charlie)
    hears(alice, events=["execution.failed"])
    hears(alice, definition=WorkflowDefinition.objects.get())
    a_budget("user", alice.pk, by=admin, cap=USED, active=False)
    finished(execution)
    assert {one.endpoint_id for one in WebhookMessage.objects.all()} == told


def test_who_is_no_longer_staff_hears_nothing_of_what_limits_others(begin, alice, admin, hears):
    hears(admin)
    desk = hears(alice)
    for scope, of in (("all", ""), ("user", alice.pk)):
        a_budget(scope, of, by=admin, cap=USED, active=False, warn_at=[100])
    admin.is_staff = False
    admin.save()
    finished(begin(one_call()))
    assert thresholds() == [100, 100]
    (message,) = WebhookMessage.objects.all()
    assert (message.endpoint, orjson.loads(message.body)["data"]["key"]) == (
        desk,
        f"user:{alice.pk}",
    )
