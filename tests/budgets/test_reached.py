"""What a budget has reached is told to whoever comes, live and on its page."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client as Browser
from rest_framework.test import APIClient

from accounts.models import User
from budgets.models import BudgetPeriod
from core.money import dollars_text
from tests.budgets.runs import USED, Begin, finished, one_call
from tests.factories.budgets import a_budget
from tests.limits.runs import price_of_the_demo
from tests.watching.protocol import Client, token_of
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer
from workflows.watching import budgets as watching

# What is told at a commit is told only where there is one.
live = pytest.mark.django_db(transaction=True)
Told = list[tuple[str, int, int]]
SOON_S = 0.3
MANY = 102
SUBSCRIBE = {"type": "subscribe", "channel": "budgets"}


async def nothing() -> None:
    pass


@pytest.fixture
def told_to() -> Callable[..., Told]:
    """Name, threshold and what is spent of so many that a user is told first, and after something.

    Then of no more.
    """

    def told(
        user: User, first: int, then: int = 0, do: Callable[[], Awaitable[Any]] = nothing
    ) -> Told:
        async def scenario() -> list[dict[str, Any]]:
            async with Client(await sync_to_async(token_of)(user)) as client:
                assert (await client.ask(**SUBSCRIBE))["type"] == "subscribed"
                said = [await client.hear() for _ in range(first)]
                await asyncio.sleep(SOON_S)
                assert await client.is_silent()
                await do()
                said += [await client.hear() for _ in range(then)]
                await asyncio.sleep(SOON_S)
                assert await client.is_silent()
                return said

        found = async_to_sync(scenario)()
        assert {(one["type"], one["channel"]) for one in found} <= {("budget.warned", "budgets")}
        data = [one["data"] for one in found]
        return [(one["name"], one["threshold"], one["spent"]) for one in data]

    return told


@live
def test_who_comes_later_is_told_the_highest_that_each_has_reached(
    begin: Begin, alice: User, admin: User, charlie: User, told_to: Any
) -> None:
    a_budget("user", alice.pk, by=admin, name="Over", cap=USED, active=False)
    a_budget("user", alice.pk, by=alice, name="Half", cap=2 * USED, active=False)
    a_budget("user", alice.pk, by=alice, name="Enough", cap=1_000)
    finished(begin(one_call()))
    over, half = ("Over", 100, USED), ("Half", 50, USED)
    assert told_to(alice, 2) == told_to(alice, 2) == [over, half]
    assert told_to(admin, 1) == [over]
    assert told_to(charlie, 0) == []


@live
def test_a_threshold_is_told_as_it_is_crossed_and_once(
    begin: Begin, alice: User, told_to: Any
) -> None:
    a_budget("user", alice.pk, by=alice, name="Mine", cap=USED, active=False)
    begin(one_call())
    assert told_to(alice, 0, 1, Pump(writer).drain) == [("Mine", 100, USED)]


@live
def test_what_no_bell_told_of_is_found_in_the_table(
    alice: User, told_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LOOKS_EVERY_S", 0.05)
    budget = a_budget("user", alice.pk, by=alice, name="Mine")

    async def elsewhere() -> None:
        periods = BudgetPeriod.objects.filter(budget=budget)
        assert await periods.aupdate(spent=800, warned=80) == 1

    assert told_to(alice, 0, 1, elsewhere) == [("Mine", 80, 800)]


@live
def test_who_made_many_budgets_is_told_of_each(
    alice: User, admin: User, told_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LOOKS_EVERY_S", 0.05)
    for _ in range(MANY):
        last = a_budget("user", alice.pk, by=admin, name="On Alice")
    periods = BudgetPeriod.objects.exclude(budget=last)
    assert periods.update(spent=500, warned=50) == MANY - 1

    async def elsewhere() -> None:
        await BudgetPeriod.objects.filter(budget=last).aupdate(spent=800, warned=80)

    told = told_to(admin, MANY - 1, 1, elsewhere)
    assert told[-1] == ("On Alice", 80, 800)


@live
def test_of_a_cap_that_was_changed_what_it_makes_is_told(
    begin: Begin, client: APIClient, alice: User, told_to: Any
) -> None:
    budget = a_budget("user", alice.pk, by=alice, name="Mine", cap=2 * USED, active=False)
    finished(begin(one_call()))

    async def change() -> None:
        for cap in (1_000, USED + USED // 4):  # nothing is reached; then more than before
            patch = sync_to_async(client.patch)
            await patch(f"/api/v1/budgets/{budget.pk}/", {"cap": str(cap)})

    assert told_to(alice, 1, 1, change) == [("Mine", 50, USED), ("Mine", 80, USED)]


@live
def test_who_was_staff_on_coming_is_told_nothing_of_others_once_they_are_not(
    begin: Begin, alice: User, admin: User, told_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LOOKS_EVERY_S", 0.05)
    a_budget("user", alice.pk, by=admin, name="On Alice", cap=USED, active=False)
    begin(one_call())

    async def withdraw() -> None:
        await User.objects.filter(pk=admin.pk).aupdate(is_staff=False)
        await Pump(writer).drain()

    assert told_to(admin, 0, 0, withdraw) == []


# --- the page


def page_of(user: User) -> str:
    browser = Browser()
    browser.force_login(user)
    return browser.get("/budgets/").content.decode()


def cells(page: str, budget: Any) -> list[str]:
    found = re.search(rf'<tr id="budget-{budget.pk}">(.*?)</tr>', page, re.S)
    assert found
    texts = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", found[1], re.S)
    return [re.sub("<[^>]+>", "", one).strip() for one in texts]


def test_the_page_tells_how_ones_budgets_stand(begin: Begin, alice: User, admin: User) -> None:
    price_of_the_demo(1_000)
    execution = begin(one_call())
    tokens = a_budget("user", alice.pk, by=admin, name="Tokens", cap=1_000, warn_at=[1, 90])
    money = a_budget("definition", execution.definition_id, by=alice, name="Money",
                     unit="nano_usd", cap=10**9, period="month")  # fmt: skip
    spent = finished(execution).cost_nano_usd
    assert spent
    page = page_of(alice)
    left = f"{1_000 - USED}"
    assert cells(page, tokens) == [
        "Tokens", "yours", f"{USED / 1_000} 1% reached",
        f"{USED}", "0", left, "1000 tokens", "no end",
    ]  # fmt: skip
    shown = cells(page, money)
    assert shown[:3] == ["Money", "a workflow", f"{spent / 10**9}"]
    amounts = [spent, 0, 10**9 - spent, 10**9]
    assert shown[3:7] == [f"${dollars_text(amount)}" for amount in amounts]
    assert f"/admin/budgets/budget/{tokens.pk}/change/" not in page
    assert f"/admin/budgets/budget/{tokens.pk}/change/" in page_of(admin)


def test_the_page_tells_what_of_it_nobody_knows_exactly(alice: User) -> None:
    tokens = a_budget("user", alice.pk, by=alice, name="Tokens", cap=1_000)
    money = a_budget("user", alice.pk, by=alice, name="Money", unit="nano_usd", cap=10**9)
    BudgetPeriod.objects.update(spent=300, bound=200, unknown_calls=1)
    page = page_of(alice)
    assert cells(page, tokens)[2] == "0.3 200 of it is a bound, without 1 call of unknown use"
    of_money = "3e-07 $0.0000002 of it is a bound, without 1 call of unknown use"
    assert cells(page, money)[2] == of_money


def test_the_page_tells_of_nobody_elses(alice: User, charlie: User, admin: User) -> None:
    a_budget("user", alice.pk, by=alice, name="Purse of Alice")
    assert "Purse of Alice" in page_of(alice)
    assert "Purse of Alice" not in page_of(charlie)
    assert "Purse of Alice" not in page_of(admin)  # staff see it in the back office


def test_api_and_back_office_tell_what_is_reached(
    begin: Begin, client: APIClient, alice: User, admin: User
) -> None:
    budget = a_budget("user", alice.pk, by=alice, cap=USED + USED // 4, active=False)
    address = f"/api/v1/budgets/{budget.pk}/"
    assert client.get(address).json()["now"]["reached"] is None
    finished(begin(one_call()))
    assert client.get(address).json()["now"]["reached"] == 80
    browser = Browser()
    browser.force_login(admin)
    listed = browser.get("/admin/budgets/budget/").content.decode()
    assert f"{USED} tokens, 80% reached" in listed
