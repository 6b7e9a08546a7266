"""Limits are lowered per user and per definition, never raised, and shown where they hold."""

import pytest
from django.test import Client

from audit.models import AuditEntry
from tests.definitions.graphs import graph, waits
from workflows.models import WorkflowExecution

DEFINITIONS = "/api/v1/definitions/"
ME = "/api/v1/auth/me/"


@pytest.fixture(autouse=True)
def server(settings):
    settings.CHATTER_RUN_LIMITS = {"steps": "500", "tokens": "1000", "cost": None}


@pytest.fixture
def made(client):
    return client.post(DEFINITIONS, {"name": "x", "graph": graph(waits(0))}).json()


def change(client, made, limits):
    return client.patch(f"{DEFINITIONS}{made['id']}/", {"limits": limits})


def run_of(client, made):
    told = client.post(f"{DEFINITIONS}{made['id']}/execute/", {"mode": "background"})
    return told.json()["execution"]


def test_a_definition_shows_and_keeps_its_limits(client, made):
    assert made["limits"] == {}
    told = change(client, made, {"steps": 20, "cost": "0.50"})
    assert (told.status_code, told.json()["limits"]) == (200, {"steps": 20, "cost": "0.50"})
    assert client.get(f"{DEFINITIONS}{made['id']}/").json()["limits"]["steps"] == 20
    assert client.get(DEFINITIONS).json()["results"][0]["limits"]["steps"] == 20
    assert AuditEntry.objects.filter(action="workflows.definition.changed").count() == 1
    assert change(client, made, {}).json()["limits"] == {}


@pytest.mark.parametrize(
    ("given", "shown"), [("0.0000001", "0.0000001"), ("1E-9", "0.000000001"), ("1e3", "1000")]
)
def test_a_limit_in_dollars_is_shown_without_an_exponent(client, made, given, shown):
    assert change(client, made, {"cost": given}).json()["limits"] == {"cost": shown}
    assert run_of(client, made)["limits"]["cost"] == shown


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        ({"steps": 501}, "limits.steps"),
        ({"tokens": 10**6}, "limits.tokens"),
        ({"steps": 0}, "limits.steps"),
        ({"cost": "-1"}, "limits.cost"),
        ({"cost": "NaN"}, "limits.cost"),
        ({"run_time_s": "soon"}, "limits.run_time_s"),
        ({"tokens": True}, "limits.tokens"),
        ({"run_time_s": True}, "limits.run_time_s"),
        ({"speed": 1}, "limits.speed"),
    ],
)
def test_what_is_no_limit_or_above_the_servers_is_refused_with_its_place(
    client, made, limits, path
):
    told = change(client, made, limits)
    assert told.status_code == 400
    assert [issue["path"] for issue in told.json()["detail"]["errors"]] == [path]
    assert client.get(f"{DEFINITIONS}{made['id']}/").json()["limits"] == {}


def test_the_least_of_each_holds_and_stays_with_the_execution(client, alice, made, settings):
    alice.limits = {"steps": 30, "cost": 0.25}
    alice.save()
    change(client, made, {"steps": 40, "tokens": 90})
    shown = run_of(client, made)["limits"]
    assert shown == {
        "run_time_s": None, "step_time_s": None, "steps": 30, "tokens": 90, "cost": "0.25",
        "tool_calls": None, "output_characters": None, "concurrent": None,
    }  # fmt: skip
    execution = WorkflowExecution.objects.get()
    assert execution.limits == {"steps": 30, "tokens": 90, "cost": "0.25"}
    change(client, made, {"steps": 3})
    settings.CHATTER_RUN_LIMITS = {"steps": 7}
    assert client.get(f"/api/v1/executions/{execution.pk}/").json()["limits"] == shown


def test_an_execution_keeps_nothing_where_only_the_servers_limits_hold(client, made):
    assert run_of(client, made)["limits"]["steps"] == 500
    assert WorkflowExecution.objects.get().limits == {}


def test_a_copy_has_the_limits_of_what_it_was_made_from(client, made, settings):
    change(client, made, {"steps": 20, "tokens": 900})
    settings.CHATTER_RUN_LIMITS = {"tokens": 100}
    told = client.post(f"{DEFINITIONS}{made['id']}/fork/", {})
    assert (told.status_code, told.json()["limits"]) == (201, {"steps": 20})


def test_i_see_my_own_limits(client, alice):
    assert client.get(ME).json()["limits"]["steps"] == 500
    alice.limits = {"steps": 30, "concurrent": 2}
    alice.save()
    shown = client.get(ME).json()["limits"]
    assert (shown["steps"], shown["concurrent"], shown["tokens"]) == (30, 2, 1000)


@pytest.mark.parametrize(
    "kept", [{"tokens": True}, {"tokens": "soon"}, {"tokens": None, "speed": 1}, {"cost": [1]}]
)
def test_what_was_kept_with_a_user_and_is_no_limit_stops_nobody(client, made, alice, kept):
    alice.limits = {"steps": 30, **kept}
    alice.save()
    assert run_of(client, made)["id"]
    assert WorkflowExecution.objects.get().limits == {"steps": 30}
    shown = client.get(ME).json()["limits"]
    assert (shown["steps"], shown["tokens"], shown["cost"]) == (30, 1000, None)


@pytest.mark.parametrize("kept", [True, 5, "soon", [1]])
def test_no_limits_at_all_kept_with_a_user_stop_nobody(client, made, alice, kept):
    alice.limits = kept
    alice.save()
    assert run_of(client, made)["id"]
    assert WorkflowExecution.objects.get().limits == {}


def test_staff_set_the_limits_of_users(admin, alice):
    browser = Client()
    browser.force_login(admin)
    address = f"/admin/accounts/user/{alice.pk}/change/"

    def save(limits):
        form = browser.get(address).context["adminform"].form
        data = {name: form[name].value() for name in form.fields if form[name].value()}
        times = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
        return browser.post(address, {**data, **times, "is_active": "on", "limits": limits})

    refused = save('{"steps": 501}')
    assert "at most 500" in refused.content.decode()
    assert "limits.tokens: " in save('{"tokens": true}').content.decode()
    told = save('{"steps": 50, "cost": "0.5"}')
    assert told.status_code == 302, told.context["adminform"].form.errors
    alice.refresh_from_db()
    assert alice.limits == {"steps": 50, "cost": "0.5"}
    entry = AuditEntry.objects.get(action="accounts.user.changed")
    assert "limits" in entry.detail["fields"]
    assert save("").status_code == 302
    alice.refresh_from_db()
    assert alice.limits == {}


def test_the_back_office_shows_the_limits_of_a_definition(admin, client, made):
    change(client, made, {"steps": 123})
    browser = Client()
    browser.force_login(admin)
    page = browser.get(f"/admin/workflows/workflowdefinition/{made['id']}/change/")
    assert "123" in page.content.decode()


def codes(told):
    return {issue["code"] for issue in told.json()["issues"]}


def test_what_will_reach_a_limit_is_told_before(client):
    model = {"id": "model", "type": "model", "config": {"model": "demo:chatter-demo"}}
    body = {"name": "x", "graph": graph(waits(50), model)}
    assert not codes(client.post(DEFINITIONS, body)) & {
        "delay_above_limit",
        "estimated_time_above_limit",
    }
    limits = {"step_time_s": 49, "run_time_s": 10}
    told = client.post(DEFINITIONS, {**body, "limits": limits})
    assert codes(told) >= {"delay_above_limit", "estimated_time_above_limit"}
