"""Which budgets have no room for something."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from budgets.amounts import worst
from budgets.models import Budget
from budgets.standing import standing_of
from core import clock


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
