"""Budgets: spent is what the ledger says, reserved what is under way, and no cap is passed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budgets.models import Budget, BudgetPeriod
from conversations.models import Conversation
from core.aggregates import all_differences
from llms.models import ModelCall, ModelProfile
from llms.services.profiles import forget_profiles
from tests.drills.mortal import take_up
from tests.factories.budgets import a_budget
from tests.laws.histories import Town, numbers, steps, undone
from workflows.models import WorkflowExecution
from workflows.services.losses import settle_lost_calls

lawful = settings(
    max_examples=14, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_ROOM = (0, 150, 400, 10**6)
budgets = st.tuples(
    st.just("budget"),
    st.sampled_from(["all", "user", "group", "conversation", "execution"]),
    st.sampled_from(["tokens", "nano_usd"]),
    st.sampled_from(_ROOM),
    st.sampled_from(["day", "month", "total"]),
    st.sampled_from([None, 0, 10**9]),
    numbers,
)
changes = st.tuples(st.just("cap"), st.sampled_from(_ROOM), numbers)
histories = st.lists(st.one_of(budgets, steps, steps, changes), min_size=4, max_size=12)


class ThriftyTown(Town):
    """People under budgets, which are made and changed as they talk."""

    def budget(  # noqa: PLR0917 - as a step tells it
        self, scope: str, unit: str, cap: int, period: str, ceiling: int | None, at: int
    ) -> None:
        by = self.people[at % len(self.people)]
        of: Any = {"all": "", "user": by.pk}.get(scope)
        if scope == "group":
            group = by.groups.create(name=f"group {by.groups.count()} of {by.pk}")
            of = group.pk
        elif scope in ("conversation", "execution"):
            rows = Conversation.objects if scope == "conversation" else WorkflowExecution.objects
            found = self._one(rows.filter(**{_WHOSE[scope]: by}), at)
            if found is None:
                return
            of = found.pk
        policy = {"unpriced": "ceiling", "ceiling_nano_usd_per_mtok": ceiling}
        fields = policy if ceiling is not None else {}
        by.is_staff = True
        cap = cap if unit == "tokens" else cap * 1_000
        a_budget(scope, of, by=by, unit=unit, cap=cap, period=period, **fields)

    def cap(self, cap: int, at: int) -> None:
        if budget := self._one(Budget.objects.all(), at):
            Budget.objects.filter(pk=budget.pk).update(cap=cap)


_WHOSE = {"conversation": "owner", "execution": "user"}


@pytest.mark.usefixtures("built_in")
@given(histories, st.sampled_from([60, 2_000]))
@lawful
def test_budgets_say_what_the_ledger_says_and_are_never_passed(
    history: list[Any], longest: int
) -> None:
    takes_time = {"delay_ms_per_word": 1}
    ModelProfile.objects.update(
        max_output_tokens=longest, context_window=None, parameters=takes_time
    )
    forget_profiles()
    with undone():
        town = ThriftyTown()
        before: dict[Any, tuple[int, int]] = {}
        for step in [*history, ("run",)]:
            town.act(step)
            assert list(all_differences()) == []
            before = _held(before)
        take_up()
        assert list(all_differences()) == []
        settle_lost_calls()
        assert list(all_differences()) == []
        assert not BudgetPeriod.objects.exclude(reserved=0).exists()
        _are_sums_of_the_ledger()


def _are_sums_of_the_ledger() -> None:
    """By their charges, without the arithmetic of budgets: what is known of calls, and a bound."""
    for period in BudgetPeriod.objects.select_related("budget"):
        column = "total_tokens" if period.budget.unit == "tokens" else "cost_nano_usd"
        charges = dict(period.charges.values_list("call_id", "spent"))
        calls = ModelCall.objects.filter(pk__in=charges)
        said = {one.pk: getattr(one, column) for one in calls if _came(one)}
        known = {pk: amount for pk, amount in said.items() if amount is not None}
        assert {pk: charges[pk] for pk in known} == known
        if column == "total_tokens":
            unheard = sum(charges[pk] for pk in charges.keys() - known)
            assert period.bound - period.carried_bound == unheard
        assert period.spent - period.carried == sum(charges.values())
        assert 0 <= period.carried_bound <= period.bound <= period.spent


def _came(call: ModelCall) -> bool:
    """Whether the provider told what it used, or anything of the answer was there."""
    return call.exactness == "metered" or any((call.answer or {}).values())


def _held(before: dict[Any, tuple[int, int]]) -> dict[Any, tuple[int, int]]:
    """What is used grew only where the cap had room for it."""
    now: dict[Any, tuple[int, int]] = {}
    for period in BudgetPeriod.objects.select_related("budget"):
        used = period.spent + period.reserved
        now[period.pk] = used, period.budget.cap
        was, _ = before.get(period.pk, (used, 0))
        assert used <= max(was, period.budget.cap)
    return now
