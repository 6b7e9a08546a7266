"""Budgets: made with what their period has cost already, changed, deleted."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import AuditDetail, record
from budgets.errors import (
    BadBudget,
    BudgetNotFound,
    NothingToLimit,
    NotYourBudget,
    TooManyBudgets,
)
from budgets.ledger import ledger
from budgets.models import Budget, Scope, Unpriced
from budgets.periods import span_at
from budgets.querysets import OF_STAFF
from budgets.services.opening import open_period
from budgets.warning import forget_above, warn
from core import clock
from core.models import writes_id
from core.spans import zone_of

CHANGEABLE = ("name", "cap", "warn_at", "active")
_FIXED = ("key", "unit", "period", "time_zone", "unpriced", "ceiling_nano_usd_per_mtok")
_WORDS = ("name",)


def budget_for(user: User, pk: UUID | str) -> Budget:
    """One budget this user may see. Raises BudgetNotFound."""
    try:
        found: Budget = Budget.objects.visible_to(user).for_list().get(pk=pk)
    except (Budget.DoesNotExist, ValidationError, ValueError) as error:
        raise BudgetNotFound from error
    return found


def create_budget(*, by: User, scope: str, of: str = "", **fields: Any) -> Budget:
    """As `checked_budget` and `keep_budget`."""
    return keep_budget(checked_budget(by=by, scope=scope, of=of, **fields), by=by)


def checked_budget(*, by: User, scope: str, of: str = "", **fields: Any) -> Budget:
    """A new budget, not saved yet.

    Users make them on themselves, their conversations, definitions and executions; staff on all.
    Raises NotYourBudget, NothingToLimit, BadBudget.
    """
    budget = Budget(owner=by, scope=scope, **_named(by, scope, of), **fields)
    _check(budget)
    return budget


@transaction.atomic
def keep_budget(budget: Budget, *, by: User) -> Budget:
    """Save it, with what its period has cost already.

    Keeps calls from beginning and ending until the transaction ends: none is missed, none counted
    twice. Raises TooManyBudgets; staff make as many as they like.
    """
    _let_nobody_book()
    most = settings.BUDGETS_PER_USER
    if not by.is_staff and by.budgets.count() >= most:
        raise TooManyBudgets(most=most)
    budget.save(force_insert=True)
    period = open_period(budget, clock.now())
    warn([(budget, period)])
    period.save()
    record("budgets.budget.created", actor=by, target=budget, **_audit_detail(budget))
    return budget


@transaction.atomic
def change_budget(budget: Budget, *, by: User, **fields: Any) -> Budget:
    """Set what is given of `CHANGEABLE`. Raises NotYourBudget.

    What was reserved before stays; a cap below what is used lets nothing more in.
    """
    refuse_others(budget, by)
    budget = _locked(budget)
    before = _of(budget, CHANGEABLE)
    for name, value in fields.items():
        setattr(budget, name, value)
    budget.save()
    begins_at = span_at(budget.period, budget.time_zone, clock.now()).begins_at
    now = budget.periods.filter(begins_at=begins_at).first()
    if now is not None:
        forget_above(budget, now)
        warn([(budget, now)])
        now.save(update_fields=["warned"])
    after = _of(budget, CHANGEABLE)
    if after != before:
        changes = changes_for_audit(before, after, personal=_WORDS)
        record("budgets.budget.changed", actor=by, target=budget, **changes)
    return budget


@transaction.atomic
def delete_budget(budget: Budget, *, by: User) -> None:
    """With all that was counted. Raises NotYourBudget."""
    refuse_others(budget, by)
    budget = _locked(budget)
    record("budgets.budget.deleted", actor=by, target=budget, **_audit_detail(budget))
    budget.delete()


def refuse_others(budget: Budget, by: User) -> None:
    """Staff change it, and who made it, unless they could as staff alone. Raises NotYourBudget."""
    if not by.is_staff and (budget.owner_id != by.pk or _limits_others(budget, by)):
        raise NotYourBudget


def _limits_others(budget: Budget, by: User) -> bool:
    """Whether what it is on is somebody else's; what is gone is nobody's."""
    if budget.scope in OF_STAFF:
        return budget.user_id != by.pk
    pk = UUID(budget.key.partition(":")[2])
    return ledger().exists(budget.key) and not ledger().may_limit(by, budget.scope, pk)


def _audit_detail(budget: Budget) -> AuditDetail:
    """What the audit trail says of it; the words of people stand in the part that can be erased."""
    numbers = {*_FIXED, *CHANGEABLE} - {*_WORDS}
    return {"detail": _of(budget, numbers), "personal": _of(budget, _WORDS)}


def _of(budget: Budget, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(budget, name) for name in names}


def _check(budget: Budget) -> None:
    """Raises BadBudget for what the form of the fields does not tell."""
    if (budget.unpriced == Unpriced.CEILING) != (budget.ceiling_nano_usd_per_mtok is not None):
        raise BadBudget(reason="A ceiling price goes with the policy 'ceiling', and with no other.")
    try:
        zone_of(budget.time_zone)
    except ValueError as error:
        raise BadBudget(reason=f"There is no time zone '{budget.time_zone}'.") from error


def _named(by: User, scope: str, of: str) -> Mapping[str, Any]:
    """The columns that say whose calls count."""
    oneself = scope == Scope.USER and writes_id(of, by.pk)
    if scope in OF_STAFF and not (by.is_staff or oneself):
        raise NotYourBudget
    try:
        if scope == Scope.ALL:
            return {"key": "all"}
        if scope == Scope.USER:
            user = User.objects.get(pk=of)
            return {"key": f"user:{user.pk}", "user": user}
        if scope == Scope.GROUP:
            group = Group.objects.get(pk=of)
            return {"key": f"group:{group.pk}", "group": group}
        if ledger().may_limit(by, scope, pk := UUID(of)):
            return {"key": f"{scope}:{pk}"}
    except (User.DoesNotExist, Group.DoesNotExist, ValidationError, ValueError) as error:
        raise NothingToLimit(scope=scope) from error
    raise NothingToLimit(scope=scope)


def _let_nobody_book() -> None:
    """Wait until all who looked for budgets have committed; those to come wait for us.

    SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Budget._meta.db_table} IN EXCLUSIVE MODE")


def _locked(budget: Budget) -> Budget:
    rows = Budget.objects.select_for_update(no_key=True, of=("self",))
    found: Budget | None = rows.filter(pk=budget.pk).first()
    if found is None:
        raise BudgetNotFound
    return found
