"""Budgets over the API: who may make which, and what is told of them."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEntry
from tests.budgets.runs import USED, finished, one_call
from tests.factories.budgets import a_budget
from tests.factories.llms import CallFactory

URL = "/api/v1/budgets/"


def asked(**fields):
    body = {"name": "Mine", "scope": "user", "unit": "tokens", "cap": "1000", "period": "month"}
    return {**body, **fields}


def a_workflow(client):
    """One that has not run, and can be deleted."""
    return client.post("/api/v1/definitions/", {"name": "One", "graph": one_call()}).json()["id"]


def test_a_user_makes_a_budget_on_oneself_and_reads_how_it_stands(begin, client, alice):
    finished(begin(one_call()))
    made = client.post(URL, asked(of=str(alice.pk)))
    assert made.status_code == 201, made.json()
    (shown,) = client.get(URL).json()["results"]
    assert shown == made.json()
    assert (shown["scope"], shown["of"], shown["cap"]) == ("user", str(alice.pk), "1000")
    now = shown["now"]
    assert (now["spent"], now["reserved"], now["left"]) == (str(USED), "0", str(1000 - USED))
    assert int(now["forecast"]) >= USED or now["forecast"] is None


def test_ones_own_id_may_be_written_in_capitals_or_without_dashes(client, alice):
    for written in (str(alice.pk).upper(), alice.pk.hex):
        made = client.post(URL, asked(of=written))
        assert (made.status_code, made.json()["of"]) == (201, str(alice.pk))


def test_money_is_told_in_dollars_to_the_last_digit(client, alice):
    made = client.post(URL, asked(of=str(alice.pk), unit="usd", cap="0.000000001", period="total"))
    assert made.json()["cap"] == made.json()["now"]["left"] == "0.000000001"
    assert made.json()["now"]["forecast"] is None


def test_a_user_makes_budgets_on_what_is_ones_own(begin, client):
    execution = begin(one_call())
    for scope, of in (("definition", execution.definition_id), ("execution", execution.pk)):
        assert client.post(URL, asked(scope=scope, of=str(of))).status_code == 201


@pytest.mark.parametrize("scope", ["all", "user", "group"])
def test_only_staff_makes_budgets_on_others(client, api, admin, charlie, scope):
    of = {"user": str(charlie.pk), "group": str(Group.objects.create(name="g").pk)}.get(scope, "")
    refused = client.post(URL, asked(scope=scope, of=of))
    assert (refused.status_code, refused.json()["code"]) == (403, "budget_of_another")
    assert api(admin).post(URL, asked(scope=scope, of=of)).status_code == 201


def test_a_user_makes_so_many_and_staff_any_number(client, alice, api, admin, settings):
    settings.BUDGETS_PER_USER = 1
    body = {"name": "Mine", "scope": "user", "of": str(alice.pk), "unit": "tokens"}
    told = [
        door.post(URL, {**body, "cap": "5", "period": "day"})
        for door in (client, client, api(admin), api(admin))
    ]
    assert [one.status_code for one in told] == [201, 409, 201, 201]
    assert told[1].json()["code"] == "too_many_budgets"


@pytest.mark.parametrize("scope", ["conversation", "definition", "execution"])
def test_what_is_anothers_looks_like_what_is_not_there(begin, api, charlie, scope):
    execution = begin(one_call())
    of = {"definition": execution.definition_id, "execution": execution.pk}.get(scope, charlie.pk)
    refused = api(charlie).post(URL, asked(scope=scope, of=str(of)))
    assert (refused.status_code, refused.json()["code"]) == (404, "budget_scope_not_found")


def test_a_stranger_sees_changes_and_deletes_nothing(client, api, alice, charlie):
    url = f"{URL}{a_budget('user', alice.pk, by=alice).pk}/"
    stranger = api(charlie)
    assert stranger.get(URL).json()["results"] == []
    for answer in (stranger.get(url), stranger.patch(url, {"cap": "1"}), stranger.delete(url)):
        assert answer.status_code == 404


def test_a_budget_that_staff_put_on_a_user_is_seen_and_not_changed_by_them(client, alice):
    url = f"{URL}{a_budget('user', alice.pk).pk}/"
    assert client.get(url).status_code == 200
    assert client.patch(url, {"cap": "5"}).json()["code"] == "budget_of_another"
    assert client.delete(url).status_code == 403


@pytest.mark.parametrize("scope", ["all", "user", "group"])
def test_who_is_no_longer_staff_neither_sees_nor_changes_what_limits_others(
    api, alice, charlie, scope
):
    alice.is_staff = True
    alice.save()
    of = {"user": charlie.pk, "group": Group.objects.create(name="g").pk}.get(scope, "")
    told = api(alice).post(URL, asked(scope=scope, of=str(of))).json()
    own = api(alice).post(URL, asked(of=str(alice.pk))).json()
    alice.is_staff = False
    alice.save()
    door = api(alice)
    url = f"{URL}{told['id']}/"
    for answer in (door.get(url), door.patch(url, {"cap": "0"}), door.delete(url)):
        assert (answer.status_code, answer.json()["code"]) == (404, "budget_not_found")
    assert [one["id"] for one in door.get(URL).json()["results"]] == [own["id"]]
    assert door.patch(f"{URL}{own['id']}/", {"cap": "0"}).status_code == 200


def test_who_is_no_longer_staff_does_not_change_what_limits_a_workflow_of_others(
    client, api, charlie
):
    definition = a_workflow(client)
    charlie.is_staff = True
    charlie.save()
    told = api(charlie).post(URL, asked(scope="definition", of=str(definition))).json()
    charlie.is_staff = False
    charlie.save()
    door, url = api(charlie), f"{URL}{told['id']}/"
    for answer in (door.patch(url, {"cap": "0"}), door.delete(url)):
        assert (answer.status_code, answer.json()["code"]) == (403, "budget_of_another")
    assert client.delete(f"/api/v1/definitions/{definition}/").status_code == 204
    assert door.delete(url).status_code == 204


def test_a_budget_on_what_is_gone_is_still_deleted_by_who_made_it(client):
    definition = a_workflow(client)
    told = client.post(URL, asked(scope="definition", of=str(definition))).json()
    assert client.patch(f"{URL}{told['id']}/", {"cap": "5"}).json()["cap"] == "5"
    assert client.delete(f"/api/v1/definitions/{definition}/").status_code == 204
    assert client.delete(f"{URL}{told['id']}/").status_code == 204


def test_changes_are_audited_with_before_and_after(client, alice):
    url = f"{URL}{a_budget('user', alice.pk, by=alice).pk}/"
    assert client.patch(url, {"cap": "5", "active": False}).json()["cap"] == "5"
    entry = AuditEntry.objects.get(action="budgets.budget.changed")
    assert entry.detail["values"]["cap"] == {"from": 1_000, "to": 5}
    assert client.delete(url).status_code == 204
    assert AuditEntry.objects.filter(action="budgets.budget.deleted").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"cap": "-1"},
        {"cap": "1.5"},
        {"cap": "NaN"},
        {"unit": "usd", "cap": "0.0000000001"},
        {"time_zone": "Nowhere/Land"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "localtime"},
        {"time_zone": "right/Europe/Paris"},
        {"unpriced": "ceiling"},
        {"ceiling_usd_per_mtok": "5"},
        {"unit": "usd", "unpriced": "ceiling", "ceiling_usd_per_mtok": "1000000.1"},
        {"warn_at": [0]},
        {"owner": "x"},
    ],
)
def test_what_makes_no_sense_is_refused(client, alice, wrong):
    assert client.post(URL, asked(of=str(alice.pk), **wrong)).status_code == 400


def test_at_the_dearest_ceiling_what_was_used_before_is_counted(client, alice):
    used = {"total_tokens": 10**8, "input_tokens": 10**8, "output_tokens": 0}
    CallFactory(user=alice, **used, cost_nano_usd=None, exactness="unpriced")
    ceiling = {"unpriced": "ceiling", "ceiling_usd_per_mtok": "1000000"}
    made = client.post(URL, asked(of=str(alice.pk), unit="usd", **ceiling))
    assert made.status_code == 201, made.json()
    assert made.json()["now"]["spent"] == "100000000"


def test_a_list_costs_as_many_queries_for_many_as_for_one(client, alice):
    counted = []
    for more in (1, 9):
        for _ in range(more):
            a_budget("user", alice.pk, by=alice)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(URL).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1]
