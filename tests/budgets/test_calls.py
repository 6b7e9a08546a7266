"""Budgets hold: what a call may use is reserved before it is made, and settled after."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEntry
from budgets.models import BudgetCharge, BudgetPeriod
from core.aggregates import all_differences
from llms.models import ModelCall, ModelPrice, ModelProfile
from llms.services.profiles import forget_profiles
from tests.approvals.desk import later
from tests.budgets.runs import USED, WORST, finished, numbers_of, one_call, period_of
from tests.definitions.graphs import graph
from tests.drills.mortal import leases_run_out, live_and_die, stopped_at
from tests.factories.budgets import a_budget
from tests.limits.runs import price_of_the_demo, says
from workflows.models import WorkflowExecution
from workflows.services.losses import settle_lost_calls


def calls_of(execution):
    return list(ModelCall.objects.filter(origin=execution.origin).order_by("id"))


def test_a_call_is_counted_on_every_budget_it_touches(begin, alice):
    execution = begin(one_call())
    group = alice.groups.create(name="Writers")
    touched = [
        a_budget(),
        a_budget("user", alice.pk),
        a_budget("group", group.pk),
        a_budget("definition", execution.definition_id),
        a_budget("execution", execution.pk),
    ]
    assert finished(execution).status == "completed"
    assert [numbers_of(budget) for budget in touched] == [(USED, 0)] * 5


def test_what_others_do_counts_on_no_budget_of_ones_own(begin, charlie):
    other = a_budget("user", charlie.pk)
    elsewhere = a_budget("group", charlie.groups.create(name="Others").pk)
    finished(begin(one_call()))
    assert [numbers_of(one) for one in (other, elsewhere)] == [(0, 0)] * 2


def test_a_conversation_has_its_budget(client, drain, alice):
    first = client.post("/api/v1/chat/", {"message": "hello", "mode": "background"}).json()
    budget = a_budget("conversation", first["conversation"]["id"], by=alice, cap=5)
    drain()
    ended = WorkflowExecution.objects.get()
    assert (ended.error["code"], numbers_of(budget)) == ("budget_exceeded", (0, 0))


def test_money_is_counted_to_the_nano_dollar(begin):
    price_of_the_demo(7)
    budget = a_budget(unit="nano_usd", cap=10**9)
    execution = finished(begin(one_call()))
    assert numbers_of(budget) == (execution.cost_nano_usd, 0) == (USED * 7_000, 0)


def test_a_call_that_could_pass_the_cap_is_not_made(begin):
    budget = a_budget(cap=WORST - 1)
    execution = finished(begin(one_call()))
    assert (execution.status, execution.error["code"]) == ("failed", "budget_exceeded")
    for said in ("'Budget'", f"{WORST - 1} tokens left", f"{WORST} tokens"):
        assert said in execution.error["message"]
    assert numbers_of(budget) == (0, 0)
    (call,) = calls_of(execution)
    assert (call.status, call.error_code, call.total_tokens) == ("failed", "budget_exceeded", 0)
    entry = AuditEntry.objects.get(action="budgets.call.refused")
    assert (entry.outcome, entry.target) == ("failure", execution.origin)


def test_a_refused_call_makes_its_model_no_faster(begin, client):
    finished(begin(one_call()))
    (made,) = ModelCall.objects.all()
    a_budget(cap=1)
    finished(begin(one_call()))
    totals = client.get("/api/v1/analytics/models/").json()["totals"]
    took = totals["latency"]
    assert (totals["calls"], totals["failed"], took["count"]) == (2, 1, 1)
    assert took["min_ms"] == took["max_ms"] == made.latency_ms


def test_a_refused_call_whose_process_died_has_used_nothing(begin):
    budget = a_budget(cap=1)
    execution = begin(one_call())
    assert live_and_die(after_commits=1)
    (call,) = calls_of(execution)
    assert (call.status, call.upper_bound_tokens) == ("open", 0)
    assert list(all_differences()) == []
    finished(execution)
    assert [one.status for one in calls_of(execution)] == ["lost", "failed"]
    assert numbers_of(budget) == (0, 0)


def test_a_call_for_which_there_is_just_room_is_made(begin):
    budget = a_budget(cap=WORST)
    assert finished(begin(one_call())).status == "completed"
    assert numbers_of(budget) == (USED, 0)


def test_neither_a_retry_nor_a_fallback_is_paid_for_in_its_place(begin):
    text, model = says(20, retry={"attempts": 3}, fallbacks=["demo:chatter-demo"])
    a_budget(cap=1)
    execution = finished(begin(graph(text, model)))
    assert execution.error["code"] == "budget_exceeded"
    assert len(calls_of(execution)) == 1


def test_an_edge_for_errors_takes_it_up(begin):
    text, model = says(20)
    a_budget(cap=1)
    whole = graph(
        *(text, model, {"id": "sorry", "type": "prompt", "config": {"template": "Sorry."}}),
        edges=[f"start>{text['id']}", f"{text['id']}>model", "model>end"]
        + ["model.error>sorry", "sorry>end"],
    )
    execution = finished(begin(whole))
    assert (execution.status, execution.output["text"]) == ("completed", "Sorry.")


def test_one_that_is_not_active_counts_and_refuses_nothing(begin):
    budget = a_budget(cap=0, active=False)
    assert finished(begin(one_call())).status == "completed"
    assert numbers_of(budget) == (USED, 0)


def test_what_is_answered_without_a_provider_costs_nothing(begin, client):
    text, model = says(20, cache={"ttl_s": 60})
    execution = finished(begin(graph(text, model)))
    budget = a_budget("user", execution.user_id, cap=USED)
    address = f"/api/v1/definitions/{execution.definition_id}/execute/"
    client.post(address, {"input": {"message": "hello"}, "mode": "background"})
    again = finished(WorkflowExecution.objects.exclude(pk=execution.pk).get())
    assert (again.status, calls_of(again)[0].answered_by) == ("completed", "cache")
    assert numbers_of(budget) == (USED, 0)


def test_a_model_without_a_price_is_not_asked_on_money(begin):
    budget = a_budget(unit="nano_usd", cap=10**12)
    execution = begin(one_call())
    without_prices()
    finished(execution)
    assert "has no price" in execution.error["message"]
    assert numbers_of(budget) == (0, 0)


def test_a_ceiling_stands_in_for_a_price(begin):
    ceiling = {"unpriced": "ceiling", "ceiling_nano_usd_per_mtok": 3 * 10**9}
    budget = a_budget(unit="nano_usd", cap=WORST * 3_000, **ceiling)
    execution = begin(one_call())
    without_prices()
    assert finished(execution).status == "completed"
    assert numbers_of(budget) == (USED * 3_000, 0)
    assert calls_of(execution)[0].cost_nano_usd is None


def without_prices():
    ModelPrice.objects.all().delete()
    forget_profiles()


def test_a_model_whose_answers_nobody_knows_the_length_of_is_not_asked(begin):
    budget = a_budget(cap=10**9)
    execution = begin(one_call())
    ModelProfile.objects.update(max_output_tokens=None, context_window=None)
    forget_profiles()
    assert "max_tokens" in finished(execution).error["message"]
    assert numbers_of(budget) == (0, 0)


@pytest.mark.parametrize(
    "parameters", [{"n": 3}, {"extra_body": {"n": 3}}, {"extra_body": {"max_tokens": 9_000}}]
)
def test_a_model_that_would_answer_more_than_was_reserved_is_not_asked(begin, parameters):
    budget = a_budget()
    ModelProfile.objects.update(parameters=parameters)
    forget_profiles()
    assert finished(begin(one_call())).error["code"] == "invalid_parameters"
    assert numbers_of(budget) == (0, 0)


def test_an_answer_that_broke_off_counts_as_the_ledger_estimates_it(begin):
    price_of_the_demo(1)
    budget, money = a_budget(), a_budget(unit="nano_usd", cap=10**9)
    calls = calls_of(finished(begin(graph({"id": "model", "type": "model"}), "please break")))
    assert {one.exactness for one in calls} == {"estimated"}
    assert numbers_of(budget) == (sum(one.total_tokens for one in calls), 0)
    assert numbers_of(money) == (sum(one.cost_nano_usd for one in calls), 0)
    assert all(one.spent < one.reserved for one in BudgetCharge.objects.all())


def test_stops_use_up_what_the_ledger_says_and_lock_nobody_out(begin):
    answers(max_output_tokens=1_000, parameters={"delay_ms_per_word": 5})
    price_of_the_demo(10)
    budget, money = a_budget(cap=2_000), a_budget(unit="nano_usd", cap=20_000_000)
    for _ in range(3):
        execution = begin(graph({"id": "model", "type": "model"}), "say 60 words slowly")
        assert stopped_at("text.delta", execution)
    calls = list(ModelCall.objects.all())
    assert {(one.status, one.exactness) for one in calls} == {("cancelled", "estimated")}
    assert numbers_of(budget) == (sum(one.total_tokens for one in calls), 0)
    assert numbers_of(money) == (sum(one.cost_nano_usd for one in calls), 0)
    assert [period_of(one).bound for one in (budget, money)] == [0, 0]
    assert finished(begin(one_call())).status == "completed"
    for made in (a_budget(), a_budget(unit="nano_usd", cap=1)):
        old = budget if made.unit == "tokens" else money
        assert numbers_of(made) == numbers_of(old)


def test_a_call_stopped_before_anything_of_it_came_counts_as_a_bound_and_says_so(begin, client):
    budget = a_budget()
    finished(begin(one_call()))
    execution = begin(graph({"id": "model", "type": "model"}), "please hang")
    assert stopped_at("model.started", execution)
    (call,) = calls_of(execution)
    assert (call.status, call.exactness, call.first_token_ms) == ("cancelled", "estimated", None)
    most = call.upper_bound_tokens
    told = client.get(f"/api/v1/budgets/{a_budget('user', execution.user_id).pk}/").json()["now"]
    assert (told["spent"], told["bound"]) == (str(USED + most), str(most))
    for one in (budget, a_budget()):
        assert (period_of(one).spent, period_of(one).bound) == (USED + most, most)
    assert list(all_differences()) == []


def answers(**fields):
    ModelProfile.objects.update(**fields)
    forget_profiles()


def test_what_a_killed_process_reserved_is_settled_by_whoever_takes_its_run_up(begin):
    budget = a_budget()
    execution = begin(one_call())
    assert live_and_die(after_commits=1)
    leases_run_out()
    assert list(all_differences()) == []
    assert numbers_of(budget) == (0, WORST)
    finished(execution)
    assert [one.status for one in calls_of(execution)] == ["lost", "succeeded"]
    assert numbers_of(budget) == (WORST + USED, 0)


def test_what_is_reserved_for_an_execution_that_is_gone_is_freed(begin):
    budget = a_budget()
    execution = begin(one_call())
    assert live_and_die(after_commits=1)
    settle_lost_calls()
    assert numbers_of(budget) == (0, WORST)  # somebody is going to take it up
    execution.delete()
    settle_lost_calls()
    assert numbers_of(budget) == (WORST, 0)
    assert list(all_differences()) == []


def test_a_budget_counts_what_its_period_cost_before_it_was_made(begin, alice):
    price_of_the_demo(1)
    execution = finished(begin(one_call()))
    scopes = {"all": "", "user": alice.pk, "definition": execution.definition_id}
    group = alice.groups.create(name="Writers")
    scopes |= {"execution": execution.pk, "group": group.pk}
    for scope, of in scopes.items():
        assert numbers_of(a_budget(scope, of, period="day")) == (USED, 0)
        assert numbers_of(a_budget(scope, of, unit="nano_usd")) == (USED * 1_000, 0)
    assert list(all_differences()) == []


def test_a_budget_counts_once_what_began_while_the_clock_was_ahead(begin):
    """It has been put back since, or is that of another server."""
    with later(minutes=10):
        execution = finished(begin(one_call()))
    budget = a_budget("definition", execution.definition_id)
    assert numbers_of(budget) == (USED, 0)
    assert list(all_differences()) == []


def test_a_budget_counts_calls_that_are_under_way_when_it_is_made(begin, alice):
    execution = begin(one_call())
    assert live_and_die(after_commits=1)
    budgets = [a_budget("user", alice.pk), a_budget("definition", execution.definition_id)]
    assert [numbers_of(one) for one in budgets] == [(0, WORST)] * 2
    finished(execution)
    assert [numbers_of(one) for one in budgets] == [(WORST + USED, 0)] * 2


def test_reconcile_finds_a_number_that_somebody_changed(begin):
    a_budget()
    finished(begin(one_call()))
    BudgetPeriod.objects.update(spent=USED - 1, reserved=1)
    found = {one.number: (one.kept, one.counted) for one in all_differences()}
    assert found == {
        "budgets.BudgetPeriod.spent": (USED - 1, USED),
        "budgets.BudgetPeriod.reserved": (1, 0),
    }


def test_reconcile_finds_a_call_that_was_not_counted(begin):
    budget = a_budget()
    finished(begin(one_call()))
    BudgetCharge.objects.all().delete()
    BudgetPeriod.objects.update(spent=0)
    assert [one.counted for one in all_differences()] == [USED]
    assert numbers_of(budget) == (0, 0)


def test_a_call_that_began_the_day_before_its_budget_was_made_is_no_difference(begin, alice):
    """Just before midnight, or on a server whose clock is behind; its day had cost something."""
    with later(days=-1):
        finished(begin(one_call()))
    budgets = [a_budget(period="day"), a_budget("user", alice.pk, period="day")]
    with later(days=-1):
        finished(begin(one_call()))
    for budget in budgets:
        assert sorted(budget.periods.values_list("spent", flat=True)) == [0, USED]


def test_without_a_budget_a_group_of_calls_asks_once(begin):
    execution = begin(one_call())
    with CaptureQueriesContext(connection) as queries:
        finished(execution)
    asked = [one["sql"] for one in queries if "budgets_" in one["sql"]]
    booked = [sql for sql in asked if "SELECT EXISTS (SELECT 1 FROM budgets_budget)" in sql]
    proofs = [sql for sql in asked if "budgets_budgetperiod" in sql]
    assert len(booked) == 2  # as the call begins, and as it ends
    assert len(asked) == len(booked) + len(proofs)
