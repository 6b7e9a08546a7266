"""Budgets hold: what a call may use is reserved before it is made, and settled after."""

from llms.models import ModelCall
from tests.budgets.runs import USED, finished, numbers_of, one_call
from tests.factories.budgets import a_budget


def test_a_call_is_counted_on_every_budget_it_touches(begin, alice):
    execution = begin(one_call())
    touched = [
        a_budget(),
        a_budget("user", alice.pk),
        a_budget("definition", execution.definition_id),
        a_budget("execution", execution.pk),
    ]
    assert finished(execution).status == "completed"
    assert [numbers_of(budget) for budget in touched] == [(USED, 0)] * 4


def test_a_call_that_could_pass_the_cap_is_not_made(begin):
    budget = a_budget(cap=30)
    execution = finished(begin(one_call()))
    assert (execution.status, execution.error["code"]) == ("failed", "budget_exceeded")
    assert "'Budget'" in execution.error["message"]
    assert "30 tokens left" in execution.error["message"]
    assert numbers_of(budget) == (0, 0)
    (call,) = ModelCall.objects.filter(origin=execution.origin)
    assert (call.status, call.error_code, call.total_tokens) == ("failed", "budget_exceeded", 0)
