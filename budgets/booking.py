"""Reserves what calls may use before they are made, and settles what they used.

All of a group of calls in one go, in the transaction that commits their rows. The rows of the
budgets are locked first, in the order of their keys; whoever holds one may change its periods. So
no two processes see the same room, and none waits for another in a ring.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accounts.models import User
from audit.models import Outcome
from audit.record import Entry, record_many
from budgets.amounts import Need, Use, amount_for_people, used, worst
from budgets.models import Budget, BudgetCharge, BudgetPeriod, Scope
from budgets.periods import span_at
from budgets.selectors import touched_by
from budgets.warning import warn
from core.bulk import insert_rows, update_rows
from core.models import new_id

_CHANGED = ("spent", "bound", "reserved", "unknown_calls", "warned")


@dataclass(slots=True)
class _Charge:
    """One call in one period, as its row is, or is to be."""

    id: UUID
    period: BudgetPeriod
    call_id: UUID
    reserved: int | None
    ceiling: int | None

    def row(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "period_id": self.period.id,
            "call_id": self.call_id,
            "reserved": self.reserved,
            "ceiling_nano_usd_per_mtok": self.ceiling,
        }


class Booked(NamedTuple):
    """The calls that are refused, and why; and those that get an answer of so many tokens only."""

    refused: Mapping[UUID, str]
    answers: Mapping[UUID, int]


_AS_ASKED = Booked({}, {})


def book(needs: Sequence[Need], uses: Sequence[Use]) -> Booked:
    """Reserve what these calls may use, and settle those.

    A call is reserved on each budget it touches, or refused by one and reserved on none. Where
    there is no room for its longest answer, it is reserved with the longest there is room for.
    Without any budget this is one statement. Takes part in the caller's transaction, and locks
    budgets.
    """
    if not any_budget():
        return _AS_ASKED
    budgets = _locked(needs, uses)
    if not budgets:
        return _AS_ASKED
    books = _Books(budgets, needs, uses)
    begun = {need.call_id for need in needs}
    for use in uses:
        if use.call_id not in begun:
            books.settle(use)
    refused = {need.call_id: why for need in needs if (why := books.reserve(need))}
    for use in uses:
        books.settle(use)
    books.write()
    record_many([_refusal(need) for need in needs if need.call_id in refused])
    return Booked(refused, books.answers)


def any_budget() -> bool:
    """Whether there is one at all. Making one waits until whoever asked has committed.

    For that PostgreSQL is asked to lock no row of the table, which is how one locks the table in
    the mode ROW SHARE in the same statement; backups and lists wait for nobody.
    """
    table = Budget._meta.db_table
    sql = f"SELECT EXISTS (SELECT 1 FROM {table})"  # noqa: S608 - our name
    if connection.vendor == "postgresql":
        sql = f"WITH held AS (SELECT 1 FROM {table} LIMIT 0 FOR KEY SHARE) {sql}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return bool(cursor.fetchone()[0])


def _locked(needs: Sequence[Need], uses: Sequence[Use]) -> list[Budget]:
    keys = {key for need in needs for key in need.keys}
    touched = touched_by([*keys], [*{need.user_id for need in needs}])
    if uses:
        charges = BudgetCharge.objects.filter(call_id__in=[use.call_id for use in uses])
        touched |= Q(id__in=charges.filter(spent=None).values("period__budget_id"))
    rows = Budget.objects.filter(touched).order_by("id")
    return list(rows.select_for_update(no_key=True, of=("self",)))


class _Books:
    """The periods that a group of calls touches, changed in memory and written once."""

    def __init__(
        self, budgets: Sequence[Budget], needs: Sequence[Need], uses: Sequence[Use]
    ) -> None:
        self._budgets = budgets
        self._members = _members(budgets, needs)
        self._charges: dict[UUID, list[_Charge]] = {}
        self._new_charges: list[_Charge] = []
        self._settled: list[dict[str, Any]] = []
        self._new_periods: set[UUID] = set()
        self._changed: dict[UUID, BudgetPeriod] = {}
        self._by_id = {budget.id: budget for budget in budgets}
        self.answers: dict[UUID, int] = {}
        self._read_charges(uses)
        self._periods = self._read_periods(needs)

    def reserve(self, need: Need) -> str:
        """Reserve it everywhere, or say why not."""
        wanted: list[_Charge] = []
        touched = [
            (one, self._period(one, need)) for one in self._budgets if self._touches(one, need)
        ]
        need = _fitted(need, touched)
        for budget, period in touched:
            most = worst(budget.rule, need.tokens, need.nano_usd)
            if budget.active and (why := _refused(budget, period, need, most)):
                return why
            ceiling = budget.rule.ceiling
            wanted.append(_Charge(new_id(), period, need.call_id, most, ceiling))
        for charge in wanted:
            charge.period.reserved += charge.reserved or 0
            self._changed[charge.period.id] = charge.period
        if need.answer is not None:
            self.answers[need.call_id] = need.answer
        self._new_charges += wanted
        self._charges.setdefault(need.call_id, []).extend(wanted)
        return ""

    def settle(self, use: Use) -> None:
        for charge in self._charges.pop(use.call_id, ()):
            period = charge.period
            unit = self._by_id[period.budget_id].unit
            counted = used(unit, charge.reserved, charge.ceiling, use)
            period.reserved -= charge.reserved or 0
            period.count(counted)
            self._settled.append({"id": charge.id, "spent": counted.amount or 0})
            self._changed[period.id] = period

    def write(self) -> None:
        changed = list(self._changed.values())
        warn([(self._by_id[period.budget_id], period) for period in changed])
        insert_rows(BudgetPeriod, [vars(one) for one in changed if one.id in self._new_periods])
        old = [one for one in changed if one.id not in self._new_periods]
        update_rows(BudgetPeriod, [_numbers(one) for one in old])
        insert_rows(BudgetCharge, [one.row() for one in self._new_charges])
        update_rows(BudgetCharge, self._settled)

    def _touches(self, budget: Budget, need: Need) -> bool:
        if budget.scope == Scope.GROUP:
            return (need.user_id, budget.group_id) in self._members
        return budget.key in need.keys

    def _period(self, budget: Budget, need: Need) -> BudgetPeriod:
        span = span_at(budget.period, budget.time_zone, need.at)
        found = self._periods.get((budget.id, span.begins_at))
        if found is None:
            found = BudgetPeriod(
                budget_id=budget.id, begins_at=span.begins_at, ends_at=span.ends_at
            )
            self._periods[budget.id, span.begins_at] = found
            self._new_periods.add(found.id)
        return found

    def _read_charges(self, uses: Sequence[Use]) -> None:
        if not uses:
            return
        calls = [use.call_id for use in uses]
        rows = BudgetCharge.objects.filter(call_id__in=calls, spent=None).select_related("period")
        periods: dict[UUID, BudgetPeriod] = {}
        for row in rows.order_by():
            period = periods.setdefault(row.period_id, row.period)
            self._charges.setdefault(row.call_id, []).append(
                _Charge(row.id, period, row.call_id, row.reserved, row.ceiling_nano_usd_per_mtok)
            )

    def _read_periods(self, needs: Sequence[Need]) -> dict[tuple[UUID, Any], BudgetPeriod]:
        known = [charge.period for of_call in self._charges.values() for charge in of_call]
        begins = {
            span_at(budget.period, budget.time_zone, need.at).begins_at
            for budget in self._budgets
            for need in needs
        }
        rows: Iterable[BudgetPeriod] = ()
        if begins:
            rows = BudgetPeriod.objects.filter(
                budget__in=list(self._by_id), begins_at__in=begins
            ).order_by()
        return {(one.budget_id, one.begins_at): one for one in [*rows, *known]}


def _members(
    budgets: Sequence[Budget], needs: Sequence[Need]
) -> set[tuple[UUID | None, int | None]]:
    """Which of the users are in which of the groups."""
    groups = [budget.group_id for budget in budgets if budget.group_id is not None]
    if not groups or not needs:
        return set()
    pairs = User.groups.through.objects.filter(
        group__in=groups, user__in={need.user_id for need in needs}
    )
    return set(pairs.values_list("user_id", "group_id"))


def _fitted(need: Need, touched: Sequence[tuple[Budget, BudgetPeriod]]) -> Need:
    """With as long an answer as there is room for on each; as it is, where nothing fits."""
    fitting = need
    for budget, period in touched:
        left = _left(budget, period)
        most = worst(budget.rule, fitting.tokens, fitting.nano_usd)
        if not budget.active or most is None or most <= left:
            continue
        shorter = need.fitted(budget.rule, left)
        if shorter is None:
            return need
        fitting = shorter
    return fitting


def _left(budget: Budget, period: BudgetPeriod) -> int:
    return max(budget.cap - period.spent - period.reserved, 0)


def _refused(budget: Budget, period: BudgetPeriod, need: Need, most: int | None) -> str:
    """Why a call may not be made; empty where it may."""
    whose = f"The budget '{budget.name}' ({budget.get_scope_display()}, {_per(budget)})"
    left = _left(budget, period)
    if most is None and need.tokens is not None:
        return f"{whose} is of money, and the model '{need.model}' has no price."
    if most is None:
        what = "how long an answer of the model may be"
        return f"{whose} is not used where nobody knows {what}: set max_tokens."
    if most > left:
        could = "cost" if budget.unit != "tokens" else "use"
        return (
            f"{whose} has {amount_for_people(budget.unit, left)} left, and this call could {could} "
            f"{amount_for_people(budget.unit, most)}."
        )
    return ""


def _per(budget: Budget) -> str:
    return str(budget.get_period_display())


def _refusal(need: Need) -> Entry:
    return Entry(
        action="budgets.call.refused",
        actor=need.user_id,
        target=need.origin,
        outcome=Outcome.FAILURE,
        detail={"call": str(need.call_id), "model": need.model},
        personal={"address": need.address} if need.address else None,
        request_id=need.request_id,
    )


def _numbers(period: BudgetPeriod) -> Mapping[str, Any]:
    return {"id": period.id, **{name: getattr(period, name) for name in _CHANGED}}
