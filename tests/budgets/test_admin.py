"""Budgets in the back office: made and changed through services, kept numbers only looked at."""

import pytest
from django.contrib.auth.models import Group

from audit.models import AuditEntry
from budgets.models import Budget, BudgetCharge
from core.aggregates import all_differences
from tests.budgets.runs import USED, finished, numbers_of, one_call
from tests.drills.mortal import take_up
from tests.factories.accounts import UserFactory
from tests.factories.budgets import a_budget
from tests.office import Office

BUDGETS, PERIODS = "/admin/budgets/budget/", "/admin/budgets/budgetperiod/"
USERS, GROUPS = "/admin/accounts/user/", "/admin/auth/group/"
FORM = {
    "name": "Office",
    "scope": "all",
    "of": "",
    "unit": "tokens",
    "cap": "1000",
    "period": "total",
    "time_zone": "UTC",
    "unpriced": "deny",
    "warn_at": "[50]",
    "active": "on",
}


@pytest.fixture
def office(admin):
    client = Office()
    client.force_login(admin)
    return client


def test_one_made_here_counts_what_was_and_is_audited(office, admin, begin):
    finished(begin(one_call()))
    assert office.post(f"{BUDGETS}add/", FORM).status_code == 302
    budget = Budget.objects.get()
    assert (budget.owner, numbers_of(budget)) == (admin, (USED, 0))
    entry = AuditEntry.objects.get(action="budgets.budget.created")
    assert (entry.actor_id, entry.detail["cap"]) == (admin.pk, 1000)


def test_a_change_is_audited_and_how_is_counted_stays(office, db):
    budget = a_budget()
    changed = {"name": "Less", "cap": "5", "warn_at": "[80]", "unit": "nano_usd", "scope": "user"}
    assert office.post(f"{BUDGETS}{budget.pk}/change/", changed).status_code == 302
    budget.refresh_from_db()
    assert (budget.name, budget.cap, budget.active) == ("Less", 5, False)
    assert (budget.unit, budget.scope) == ("tokens", "all")
    entry = AuditEntry.objects.get(action="budgets.budget.changed")
    assert entry.detail["values"]["cap"]["to"] == 5


def test_dollars_are_written_as_dollars(office, db):
    price = {"unpriced": "ceiling", "ceiling": "2.5"}
    money = {**FORM, "unit": "nano_usd", "cap": "12.50", **price}
    assert office.post(f"{BUDGETS}add/", money).status_code == 302
    budget = Budget.objects.get()
    assert (budget.cap, budget.ceiling_nano_usd_per_mtok) == (12_500_000_000, 2_500_000_000)
    change = f"{BUDGETS}{budget.pk}/change/"
    page = office.get(change).text
    assert 'name="cap" value="12.5"' in page
    assert ">2.5</div>" in page
    assert office.post(change, {**FORM, "cap": "0.000000001"}).status_code == 302
    budget.refresh_from_db()
    assert budget.cap == 1


def test_what_makes_no_sense_is_told_in_the_form(office, db):
    page = office.post(f"{BUDGETS}add/", {**FORM, "scope": "user", "of": "nobody"})
    assert "There is no such user" in page.content.decode()
    page = office.post(f"{BUDGETS}add/", {**FORM, "time_zone": "Mars"})
    assert "There is no time zone" in page.content.decode()
    page = office.post(f"{BUDGETS}add/", {**FORM, "warn_at": '["soon"]'})
    assert page.status_code == 200
    for wrong, told in (
        ({"cap": "-1"}, "greater than or equal to 0"),
        ({"warn_at": "{}"}, "Give whole numbers"),
        ({"cap": "1.5"}, "An amount is whole tokens"),
        ({"cap": str(2**63)}, "No budget is as large"),
        ({"unit": "nano_usd", "cap": "0.0000000001"}, "no more than 9 decimal places"),
        ({"unpriced": "ceiling", "ceiling": "-5"}, "greater than or equal to 0"),
        ({"unpriced": "ceiling", "ceiling": "1000000.1"}, "less than or equal to"),
    ):
        assert told in office.post(f"{BUDGETS}add/", {**FORM, **wrong}).text
    assert not Budget.objects.exists()


def test_a_new_one_and_a_kept_one_say_when_they_warn(office, db):
    kept = a_budget(warn_at=[70])
    for address, told in (("add/", "[50, 80, 100]"), (f"{kept.pk}/change/", "[70]")):
        page = office.get(BUDGETS + address).content.decode()
        assert f'<input type="text" name="warn_at" value="{told}"' in page


@pytest.mark.parametrize("warn_at", ["", "null", "[]"])
def test_one_without_warnings_is_made_and_changed(office, admin, api, db, warn_at):
    assert office.post(f"{BUDGETS}add/", {**FORM, "warn_at": warn_at}).status_code == 302
    (told,) = api(admin).get("/api/v1/budgets/").json()["results"]
    assert told["warn_at"] == []
    change = f"{BUDGETS}{told['id']}/change/"
    assert office.post(change, {**FORM, "warn_at": "[80, 50, 80]"}).status_code == 302
    assert Budget.objects.get().warn_at == [50, 80]
    assert "Give whole numbers" in office.post(change, {**FORM, "warn_at": "{}"}).text
    assert office.post(change, {**FORM, "warn_at": warn_at}).status_code == 302
    assert Budget.objects.get().warn_at == []


def test_one_can_be_deleted_with_what_it_counted(office, begin):
    budget = a_budget()
    finished(begin(one_call()))
    page = office.post(f"{BUDGETS}{budget.pk}/delete/", {"post": "yes"})
    assert (page.status_code, Budget.objects.count()) == (302, 0)
    assert AuditEntry.objects.filter(action="budgets.budget.deleted").count() == 1


def test_a_user_is_not_deleted_with_a_budget_that_limits_others(office):
    boss = UserFactory(is_staff=True)
    house = a_budget(by=boss, name="House")
    a_budget("user", boss.pk, by=boss)
    marked = {"action": "delete_selected", "_selected_action": [str(boss.pk)]}
    for page, sent in ((f"{USERS}{boss.pk}/delete/", {}), (USERS, marked)):
        assert "limits others" in office.post(page, {**sent, "post": "yes"}).text
    assert Budget.objects.filter(owner=boss).count() == 2
    assert office.post(f"{BUDGETS}{house.pk}/delete/", {"post": "yes"}).status_code == 302
    assert office.post(f"{USERS}{boss.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Budget.objects.exists()


@pytest.mark.parametrize("used", [False, True])
def test_a_group_is_not_deleted_with_a_budget_that_limits_its_users(office, alice, begin, used):
    group = Group.objects.create(name="Desk")
    alice.groups.add(group)
    budget = a_budget("group", group.pk, name="Desk's")
    if used:
        finished(begin(one_call()))
    marked = {"action": "delete_selected", "_selected_action": [str(group.pk)]}
    for page, sent in ((f"{GROUPS}{group.pk}/delete/", {}), (GROUPS, marked)):
        told = office.post(page, {**sent, "post": "yes"}).text
        assert "The budget &#x27;Desk&#x27;s&#x27; limits the users of the group" in told
    assert Budget.objects.filter(group=group).exists()
    assert office.post(f"{BUDGETS}{budget.pk}/delete/", {"post": "yes"}).status_code == 302
    assert office.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Group.objects.exists()


def test_a_user_is_not_deleted_with_a_budget_on_the_workflow_of_another(office, begin):
    boss = UserFactory(is_staff=True)
    theirs = begin(one_call()).definition_id
    a_budget("definition", theirs, by=boss, name="House")
    page = office.post(f"{USERS}{boss.pk}/delete/", {"post": "yes"})
    assert "The budget &#x27;House&#x27; (a workflow) limits others" in page.text
    assert Budget.objects.filter(owner=boss).count() == 1


def test_a_user_is_deleted_with_the_budgets_on_their_own_workflows(office, alice, begin):
    a_budget("definition", begin(one_call()).definition_id, by=alice)
    take_up()
    assert office.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Budget.objects.exists()


def test_what_was_counted_stays_when_a_user_is_deleted_who_ran_the_workflow(office, begin, api):
    workflow = finished(begin(one_call())).definition_id
    boss = UserFactory(is_staff=True)

    def run_by_boss():
        url = f"/api/v1/definitions/{workflow}/execute/"
        assert api(boss).post(url, {"mode": "background"}).status_code == 202
        take_up()

    run_by_boss()
    budget = a_budget("definition", workflow)
    run_by_boss()
    assert office.post(f"{USERS}{boss.pk}/delete/", {"post": "yes"}).status_code == 302
    spent = numbers_of(budget)
    assert (spent[0] > 2 * USED, spent[1]) == (True, 0)
    assert list(all_differences()) == []
    BudgetCharge.objects.all().delete()
    assert [one.kept for one in all_differences()] == [spent[0]]


def test_kept_numbers_are_looked_at_only(office, begin):
    budget = a_budget()
    finished(begin(one_call()))
    assert str(USED) in office.get(PERIODS).content.decode()
    url = f"{PERIODS}{budget.periods.get().pk}/"
    assert office.get(f"{url}change/").status_code == 200
    assert office.post(f"{url}change/", {"spent": "0"}).status_code == 403
    assert office.get(f"{PERIODS}add/").status_code == 403
    assert numbers_of(budget) == (USED, 0)
