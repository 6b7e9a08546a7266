"""The figures of a budget lead to the calls that they are reckoned from, and to no others."""

from decimal import Decimal
from html import unescape
from re import findall

import pytest
from django.contrib.auth.models import Group

from core.money import dollars_text
from llms.models import ModelCall
from tests.approvals.desk import later
from tests.budgets.runs import USED, finished, numbers_of, one_call
from tests.drills.mortal import live_and_die, take_up
from tests.factories.accounts import UserFactory
from tests.factories.budgets import a_budget
from tests.factories.llms import CallFactory
from tests.limits.runs import price_of_the_demo
from tests.office import Office
from workflows.models import WorkflowExecution

URL = "/api/v1/budgets/"


def told_of(door, budget):
    return door.get(f"{URL}{budget.pk}/").json()["now"]


def listed(door, budget, query=""):
    """The rows where a budget says that they are."""
    address = told_of(door, budget)["rows"]
    join = ("&" if "?" in address else "?") if query else ""
    answer = door.get(f"{address}{join}{query}")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["next"] is None
    return answer.json()["results"]


def used_by(rows, unit):
    if unit == "tokens":
        return str(sum(one["usage"]["total"] for one in rows))
    return dollars_text(int(sum(Decimal(one["cost"]) for one in rows) * 10**9))


def ids_of(calls):
    return {str(one.pk) for one in calls}


def again(client, definition):
    """Another run of the workflow, to its end."""
    body = {"input": {"message": "hello"}, "mode": "background"}
    told = client.post(f"/api/v1/definitions/{definition}/execute/", body).json()
    return finished(WorkflowExecution.objects.get(pk=told["execution"]["id"]))


def said(client, **to):
    """A message of alice's, answered; its conversation."""
    told = client.post("/api/v1/chat/", {"message": "hello", "mode": "background", **to}).json()
    take_up()
    return told["conversation"]["id"]


@pytest.mark.parametrize("unit", ["tokens", "nano_usd"])
@pytest.mark.parametrize("period", ["total", "month"])
def test_the_calls_add_up_to_what_is_spent_also_from_before_the_budget(
    begin, client, alice, api, admin, unit, period
):
    price_of_the_demo(7)
    first = finished(begin(one_call()))
    talk = said(client)
    CallFactory()  # somebody else's, of nothing of alice's
    group = Group.objects.create(name="Writers")
    alice.groups.add(group)
    scopes = {"all": "", "user": alice.pk, "group": group.pk, "conversation": talk}
    scopes |= {"definition": first.definition_id, "execution": first.pk}
    how = {"unit": unit, "cap": 10**9, "period": period}
    budgets = {
        scope: a_budget(scope, of, **how, **({"by": alice} if scope == "conversation" else {}))
        for scope, of in scopes.items()
    }
    again(client, first.definition_id)
    finished(begin(one_call()))
    said(client, conversation=talk)
    staff, count = api(admin), {}
    for scope, budget in budgets.items():
        rows = listed(staff, budget)
        assert used_by(rows, unit) == told_of(staff, budget)["spent"] != "0"
        assert [one["id"] for one in rows] == sorted((one["id"] for one in rows), reverse=True)
        count[scope] = len(rows)
    assert count["all"] == ModelCall.objects.count() == count["user"] + 1 == count["group"] + 1
    assert (count["definition"], count["execution"]) == (2, 1)
    of_talk = WorkflowExecution.objects.in_series(f"conversation:{talk}")
    origins = [one.origin for one in of_talk]
    assert ids_of(ModelCall.objects.filter(origin__in=origins)) == {
        one["id"] for one in listed(staff, budgets["conversation"])
    }


def test_another_periods_calls_are_listed_for_that_period_alone(begin, client, alice):
    with later(days=-3):
        finished(begin(one_call()))  # before there was a budget
    budget = a_budget("user", alice.pk, period="day")
    today = finished(begin(one_call()))
    with later(days=1):
        assert listed(client, budget) == []  # it has no row yet
        after = finished(begin(one_call()))
        rows = told_of(client, budget)["rows"]
        assert [one["execution"] for one in listed(client, budget)] == [str(after.pk)]
    assert [one["execution"] for one in listed(client, budget)] == [str(today.pk)]
    assert [one["execution"] for one in client.get(rows).json()["results"]] == [str(after.pk)]
    whole = client.get(f"{URL}{budget.pk}/calls/").json()["results"]
    assert whole == listed(client, budget)


@pytest.mark.parametrize("scope", ["all", "user", "definition"])
def test_of_the_period_before_the_budget_what_came_late_is_counted_and_listed_alone(
    begin, client, alice, api, admin, scope
):
    """As when a server's clock is behind."""
    with later(days=-1):
        workflow = finished(begin(one_call())).definition_id
    of = {"user": alice.pk, "definition": workflow}.get(scope, "")
    budget = a_budget(scope, of, period="day")
    with later(days=-1):
        late = again(client, workflow)
    earlier = budget.periods.order_by("begins_at").first()
    at = f"{earlier.begins_at:%Y-%m-%dT%H:%M:%SZ}"
    rows = api(admin).get(f"{URL}{budget.pk}/calls/?at={at}").json()["results"]
    assert [one["execution"] for one in rows] == [str(late.pk)]
    assert used_by(rows, "tokens") == str(earlier.spent)


def test_calls_that_had_a_charge_stay_when_their_run_is_gone(begin, client, api, admin):
    execution = begin(one_call())
    budget = a_budget("definition", execution.definition_id)
    finished(execution)
    ours = ids_of(ModelCall.objects.filter(origin=execution.origin))
    execution.delete()
    assert {one["id"] for one in listed(api(admin), budget)} == ours
    assert told_of(api(admin), budget)["spent"] == str(USED)


def test_whoever_left_the_group_has_the_calls_that_were_charged(begin, client, alice, api, admin):
    group = Group.objects.create(name="Writers")
    alice.groups.add(group)
    budget = a_budget("group", group.pk)
    charged = finished(begin(one_call()))
    alice.groups.clear()
    finished(begin(one_call()))
    (row,) = listed(api(admin), budget)
    assert (row["execution"], numbers_of(budget)) == (str(charged.pk), (USED, 0))
    alice.groups.add(group)
    assert listed(api(admin), budget) == [row]


def test_calls_under_way_are_the_open_ones(begin, client, alice):
    before = begin(one_call())
    assert live_and_die(after_commits=1)
    budget = a_budget("definition", before.definition_id, by=alice)
    now = told_of(client, budget)
    assert (now["spent"], now["reserved"] != "0") == ("0", True)
    (row,) = listed(client, budget, "status=open")
    assert row["execution"] == str(before.pk)
    assert listed(client, budget) == [row]


def test_what_a_budget_refused_is_listed_and_used_nothing(begin, client, alice):
    budget = a_budget("user", alice.pk, cap=1)
    a_call = finished(begin(one_call()))
    (row,) = listed(client, budget)
    assert (row["execution"], row["usage"]["total"]) == (str(a_call.pk), 0)
    assert row["error"]["code"] == "budget_exceeded"


def test_a_budget_that_one_may_not_see_has_no_calls(begin, client, alice, charlie, api):
    group = Group.objects.create(name="Writers")
    alice.groups.add(group)
    budgets = [a_budget("group", group.pk), a_budget(), a_budget("user", charlie.pk)]
    finished(begin(one_call()))
    client.force_login(alice)
    for budget in budgets:  # a member of the group neither sees it, nor its calls
        answer = client.get(f"{URL}{budget.pk}/calls/")
        assert (answer.status_code, answer.json()["code"]) == (404, "budget_not_found")
        assert client.get(f"/budgets/{budget.pk}/calls/").status_code == 404
    assert client.get(f"{URL}nothing/calls/").status_code == 404


def test_of_the_calls_of_others_only_staff_sees_more_than_the_sum(
    begin, client, alice, charlie, api, admin
):
    workflow = finished(begin(one_call())).definition_id
    budget = a_budget("definition", workflow, by=alice)
    boss = UserFactory(is_staff=True)
    again(api(boss), workflow)
    own, every = listed(client, budget), listed(api(admin), budget)
    assert (len(own), len(every)) == (1, 2)
    assert told_of(client, budget)["spent"] == used_by(every, "tokens")
    client.force_login(alice)
    page = client.get(f"/budgets/{budget.pk}/calls/?of=all&user={boss.pk}")
    assert (page.context["rows"], boss.username in page.text) == ([], False)


def test_an_instant_that_is_none_is_refused_and_one_far_away_finds_nothing(client, alice):
    CallFactory(user=alice)
    budget = a_budget("user", alice.pk, period="month")
    client.force_login(alice)
    for at in ("x", "2026-13-01", "0001-01-01T00:00:00%2B14:00", "%00"):
        answer = client.get(f"{URL}{budget.pk}/calls/?at={at}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_period")
        page = client.get(f"/budgets/{budget.pk}/calls/?at={at}")
        assert (page.status_code, page.context["rows"]) == (400, [])
    for at in ("0001-01-02T00:00:00Z", "9999-12-31T23:59:59Z", "2001-01-01"):
        assert client.get(f"{URL}{budget.pk}/calls/?at={at}").json()["results"] == []
    assert len(client.get(f"{URL}{budget.pk}/calls/?at=").json()["results"]) == 1
    unknown = client.get(f"{URL}{budget.pk}/calls/?when=now").json()
    assert (unknown["code"], "at" in unknown["detail"]["known"].split(", ")) == (
        "unknown_filter",
        True,
    )


@pytest.mark.parametrize("period", ["day", "total"])
def test_on_the_page_each_figure_leads_to_its_calls(begin, client, alice, period):
    price_of_the_demo(7)
    over = finished(begin(one_call()))
    budget = a_budget("user", alice.pk, by=alice, unit="nano_usd", cap=10**9, period=period)
    under_way = begin(one_call())
    assert live_and_die(after_commits=1)
    client.force_login(alice)
    shown = findall(r'href="(/budgets/[^"]+/calls/[^"]*)"', client.get("/budgets/").text)
    found = []
    for address in map(unescape, shown):
        page = client.get(address)
        assert page.status_code == 200
        found.append([one["execution"] for one in page.context["rows"]])
    late, early = str(under_way.pk), str(over.pk)
    assert found == [[early], [late], [late, early]]
    page = client.get(unescape(shown[0]))
    assert f"“{budget.name}”" in page.text
    asked = {"of", "over before", *(["in the period of"] if period == "day" else [])}
    assert {chip.name for chip in page.context["chips"]} == asked
    for chip in page.context["chips"]:
        assert client.get(f"/budgets/{budget.pk}/calls/{chip.address}").status_code == 200
    (status,) = findall(r'aria-current="true">(\w+)<', client.get(unescape(shown[1])).text)
    assert status == "open"


def test_what_ends_later_is_not_behind_what_the_page_told(begin, client, alice):
    a_budget("user", alice.pk, by=alice)
    finished(begin(one_call()))
    client.force_login(alice)
    address = unescape(
        findall(r'href="(/budgets/[^"]+/calls/[^"]*)"', client.get("/budgets/").text)[0]
    )
    finished(begin(one_call()))
    assert len(client.get(address).context["rows"]) == 1


def test_the_back_office_leads_there_too(begin, admin, alice):
    a_budget("user", alice.pk, period="day")
    with later(days=1):
        finished(begin(one_call()))
    today = finished(begin(one_call()))
    office = Office()
    office.force_login(admin)
    links = r'href="(/budgets/[^"]+/calls/[^"]*)">([^<]*)<'
    ((address, told),) = findall(links, office.get("/admin/budgets/budget/").text)
    rows = office.get(unescape(address)).context["rows"]
    assert ([one["execution"] for one in rows], told) == ([str(today.pk)], f"{USED} tokens")
    with later(days=1):
        shown = findall(links, office.get("/admin/budgets/budgetperiod/").text)
        counts = [len(office.get(unescape(address)).context["rows"]) for address, _ in shown]
    assert [told for _, told in shown] == [str(USED), "0"] * 2
    assert counts == [1, 0, 1, 0]
