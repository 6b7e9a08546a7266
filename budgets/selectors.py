"""Budgets without room for something, and budgets that have reached a threshold."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import Q

from accounts.models import User
from budgets.amounts import worst
from budgets.ledger import ledger
from budgets.models import Budget, BudgetPeriod, Scope
from budgets.querysets import going_on
from budgets.standing import standing_of
from budgets.warning import warning_data
from core import clock

_TOLD = 100


@dataclass(frozen=True, slots=True)
class Short:
    """A budget that has `left` and would need `needs`; None: nobody knows how much."""

    budget: Budget
    left: int
    needs: int | None


def touched_by(keys: Sequence[str], users: Sequence[UUID | None]) -> Q:
    """The budgets that calls touch by what they are for, or by a group of their user's."""
    memberships = User.groups.through.objects.filter(user__in=users)
    return Q(key__in=keys) | Q(group__in=memberships.values("group_id"))


def reached_by(user: User) -> list[dict[str, Any]]:
    """Of budgets that concern a user: the highest threshold each has reached in its period now."""
    concern = Budget.objects.concerning(user)
    periods = BudgetPeriod.objects.filter(going_on(clock.now()), warned__gt=0, budget__in=concern)
    found = periods.select_related("budget").order_by("id")
    return [warning_data(one.budget, one, one.warned) for one in found]


def concerned_by(budget: Budget) -> set[UUID]:
    """Those of its creator and its user whom its warnings are for now."""
    users = User.objects.filter(pk__in=[one for one in (budget.owner_id, budget.user_id) if one])
    this = Budget.objects.filter(pk=budget.pk)
    return {user.pk for user in users if this.concerning(user).exists()}


def budgets_on_others(makers: Iterable[User]) -> list[str]:
    """Those of their budgets that would go with these users, and that others have to keep to."""
    keys = {user.pk for user in makers}
    others = Q(scope__in=(Scope.ALL, Scope.GROUP)) | Q(scope=Scope.USER) & ~Q(user__in=keys)
    made = Budget.objects.filter(owner__in=keys).select_related("owner").order_by("id")
    found = [*made.filter(others)[:_TOLD]]
    found += [one for one in made.filter(scope=Scope.DEFINITION) if _is_on_others(one)]
    return [
        f"The budget '{one.name}' ({one.get_scope_display()}) limits others: delete it first, or"
        " erase the user, which leaves it in force."
        for one in found[:_TOLD]
    ]


def budgets_on_groups(groups: Iterable[Group]) -> list[str]:
    """Those that would go with these groups, and that their users have to keep to."""
    found = Budget.objects.filter(group__in=groups).order_by("id")[:_TOLD]
    return [
        f"The budget '{one.name}' limits the users of the group: delete it first." for one in found
    ]


def _is_on_others(budget: Budget) -> bool:
    """Whether it is on a workflow that its maker could limit as staff alone."""
    maker = copy(budget.owner)
    maker.is_staff = False
    pk = UUID(budget.key.partition(":")[2])
    return ledger().exists(budget.key) and not ledger().may_limit(maker, budget.scope, pk)


def short_of(
    keys: Sequence[str], user_id: UUID, tokens: int | None, nano_usd: int | None
) -> list[Short]:
    """The active budgets that have not so much left now; the oldest first."""
    budgets = Budget.objects.filter(touched_by(keys, [user_id]), active=True).for_list()
    found = []
    for budget in budgets.order_by("id"):
        needs = worst(budget.rule, tokens, nano_usd)
        left = standing_of(budget, clock.now()).left
        if needs is None or needs > left:
            found.append(Short(budget, left, needs))
    return found
