"""Budgets of the release before count what the ledger says once the migrations are applied."""

from importlib import import_module

from django.apps import apps

from budgets.models import BudgetCharge, BudgetPeriod
from core.aggregates import all_differences
from llms.models import ModelCall
from tests.budgets.runs import Begin, finished, numbers_of, period_of
from tests.definitions.graphs import graph
from tests.drills.mortal import leases_run_out, live_and_die
from tests.factories.budgets import a_budget
from tests.limits.runs import price_of_the_demo

migration = import_module("conversations.migrations.0002_budgets_say_what_the_ledger_says")


def counted_as_before() -> None:
    """All of these calls as what was reserved for them: no provider told what they used."""
    for period in BudgetPeriod.objects.all():
        now = sum(period.charges.values_list("spent", flat=True))
        for charge in period.charges.all():
            charge.spent = charge.reserved
            charge.save()
        period.spent += sum(period.charges.values_list("spent", flat=True)) - now
        period.bound = period.carried_bound = 0
        period.save()


def test_what_was_counted_before_is_counted_anew(begin: Begin) -> None:
    price_of_the_demo(1)
    budgets = [a_budget(), a_budget(unit="nano_usd", cap=10**9)]
    broken = begin(graph({"id": "model", "type": "model"}), "please break")
    finished(broken)
    lost = begin(graph({"id": "model", "type": "model"}), "please break")
    assert live_and_die(after_commits=1)
    leases_run_out()
    finished(lost)
    late = {"all": "", "user": lost.user_id, "definition": lost.definition_id}
    budgets += [a_budget(scope, of) for scope, of in late.items()]
    was = [(numbers_of(one), period_of(one).bound) for one in budgets]
    assert all(bound for _, bound in was)
    counted_as_before()
    for one in budgets[2:]:
        calls = ModelCall.objects.all()
        calls = calls.filter(origin=lost.origin) if one.scope == "definition" else calls
        most = sum(calls.values_list("upper_bound_tokens", flat=True))
        BudgetPeriod.objects.filter(budget=one).update(carried=most, spent=most)
    assert list(all_differences())
    migration.count_anew(apps, None)
    assert list(all_differences()) == []
    assert [(numbers_of(one), period_of(one).bound) for one in budgets] == was
    assert not BudgetCharge.objects.filter(spent=None).exists()
