"""Whom a budget concerns is told on the socket, as it is committed."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from rest_framework.test import APIClient

from accounts.models import User
from tests.budgets.runs import USED, Begin, one_call
from tests.factories.budgets import a_budget
from tests.watching.protocol import heard_by
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer

# What is told at a commit is told only where there is one.
pytestmark = pytest.mark.django_db(transaction=True)


def test_each_threshold_that_a_call_crosses_is_told_to_whom_the_budget_concerns(
    begin: Begin, alice: User, admin: User
) -> None:
    budget = a_budget("user", alice.pk, by=admin, cap=USED, active=False)
    begin(one_call())
    told = heard_by(alice, Pump(writer).drain, 3)
    assert [one["type"] for one in told] == ["budget.warned"] * 3
    assert [one["data"]["threshold"] for one in told] == [50, 80, 100]
    assert {one["data"]["budget"] for one in told} == {str(budget.pk)}
    assert {(one["data"]["spent"], one["channel"]) for one in told} == {(USED, "user")}


def test_who_made_a_budget_is_told_and_nobody_else(
    begin: Begin, client: APIClient, alice: User, admin: User, charlie: User
) -> None:
    budget = a_budget("user", alice.pk, by=admin)
    begin(one_call())
    async_to_sync(Pump(writer).drain)()

    client.force_login(admin)

    async def lower(cap: int) -> None:
        change = sync_to_async(client.patch)
        answer = await change(f"/api/v1/budgets/{budget.pk}/", {"cap": str(cap)})
        assert answer.status_code == 200

    assert heard_by(charlie, lambda: lower(USED * 2), 0) == []
    (told,) = heard_by(admin, lambda: lower(USED + USED // 4), 1)
    assert told["data"]["threshold"] == 80


def test_who_is_no_longer_staff_is_told_nothing_of_others(
    begin: Begin, alice: User, admin: User
) -> None:
    a_budget("user", alice.pk, by=admin, cap=USED, active=False)
    begin(one_call())
    User.objects.filter(pk=admin.pk).update(is_staff=False)
    assert heard_by(admin, Pump(writer).drain, 0) == []
