"""Budgets, what was used of them in each period, and by which calls."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from budgets import amounts, periods
from budgets.querysets import BudgetQuerySet
from core.models import EditableRecord, Record, new_id

# A dollar a token: at more, the sum of some million tokens is more than a column holds.
DEAREST_NANO_USD_PER_MTOK = 10**15
_ALL = 100
_MOST_THRESHOLDS = 10


class Scope(models.TextChoices):
    """Whose calls count."""

    ALL = "all", "everybody"
    USER = "user", "a user"
    GROUP = "group", "the users of a group"
    CONVERSATION = "conversation", "a conversation"
    DEFINITION = "definition", "a workflow"
    EXECUTION = "execution", "an execution"


class Unit(models.TextChoices):
    NANO_USD = amounts.NANO_USD, "money"
    TOKENS = amounts.TOKENS, "tokens"


class Period(models.TextChoices):
    DAY = periods.DAY, "a day"
    MONTH = periods.MONTH, "a month"
    TOTAL = periods.TOTAL, "in total"


class Unpriced(models.TextChoices):
    """What happens to models without a price."""

    DENY = amounts.DENY, "they are not asked"
    CEILING = amounts.CEILING, "they count as the ceiling price"


def _thresholds() -> list[int]:
    return [50, 80, 100]


def validate_thresholds(given: Any) -> None:
    """A list of whole percents."""
    whole = isinstance(given, list) and all(type(one) is int and 1 <= one <= _ALL for one in given)
    if not whole or len(given) > _MOST_THRESHOLDS:
        raise ValidationError("Give whole numbers from 1 to 100, such as [50, 80, 100].")


class Budget(EditableRecord):
    """At most `cap` (nano-dollars or tokens) in each period, by the calls of `key`.

    `key` is "all" or the scope and what it is ("definition:<uuid>"). It is never changed, and
    neither is how is counted: unit, period, and what tokens without a price count as. One that is
    not `active` counts, and refuses nothing. `warn_at` are percents.

    Whoever changes any of its periods locks its row first.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="budgets")
    name = models.CharField(max_length=255)
    scope = models.CharField(max_length=12, choices=Scope.choices)
    key = models.CharField(max_length=80, db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    group = models.ForeignKey("auth.Group", models.CASCADE, null=True, blank=True, related_name="+")
    unit = models.CharField(max_length=8, choices=Unit.choices)
    cap = models.BigIntegerField()
    period = models.CharField(max_length=8, choices=Period.choices)
    time_zone = models.CharField(max_length=64, default="UTC")
    unpriced = models.CharField(max_length=8, choices=Unpriced.choices, default=Unpriced.DENY)
    ceiling_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True)
    warn_at = models.JSONField(default=_thresholds, blank=True, validators=[validate_thresholds])
    active = models.BooleanField(default=True)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "-id"], name="budgets_of_an_owner")]
        constraints = [
            models.CheckConstraint(condition=Q(cap__gte=0), name="budgets_cap_not_negative"),
            models.CheckConstraint(
                condition=Q(ceiling_nano_usd_per_mtok__gte=0)
                | Q(ceiling_nano_usd_per_mtok__isnull=True, unpriced=Unpriced.DENY),
                name="budgets_ceiling_where_it_counts",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False) ^ ~Q(scope=Scope.USER),
                name="budgets_of_users_have_one",
            ),
            models.CheckConstraint(
                condition=Q(group__isnull=False) ^ ~Q(scope=Scope.GROUP),
                name="budgets_of_groups_have_one",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> amounts.Rule:
        return amounts.Rule(self.unit, self.unpriced, self.ceiling_nano_usd_per_mtok)


class BudgetPeriod(Record):
    """What was used of a budget in one of its periods: `spent`, and `reserved` for calls under way.

    A call counts in the period it began in. `bound` is the part of `spent` that is no more than a
    bound: calls that nobody heard of again count as what was reserved for them. `carried` and
    `carried_bound` are the parts of both that calls had used before the budget was made;
    `unknown_calls` are calls of which nobody knows what they used.
    `warned` is the highest percentage that was told of, of the cap there is.
    """

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="periods")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    carried = models.BigIntegerField(default=0)
    carried_bound = models.BigIntegerField(default=0, db_default=0)
    spent = models.BigIntegerField(default=0)
    bound = models.BigIntegerField(default=0, db_default=0)
    reserved = models.BigIntegerField(default=0)
    unknown_calls = models.IntegerField(default=0)
    warned = models.IntegerField(default=0)

    class Meta:
        ordering = ["-begins_at", "-id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "begins_at"], name="budgets_one_row_per_period"
            ),
            models.CheckConstraint(
                condition=Q(spent__gte=0, reserved__gte=0), name="budgets_nothing_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.begins_at:%Y-%m-%d}"

    def count(self, counted: amounts.Counted) -> None:
        """A call that is over; the caller writes it."""
        self.spent += counted.amount or 0
        self.bound += counted.bound
        self.unknown_calls += counted.amount is None


class BudgetCharge(models.Model):
    """What one model call was reserved in one period, and what it then used; NULL: under way.

    `reserved` is NULL where nobody knows what it may use. `ceiling_nano_usd_per_mtok` is what a
    token without a price counted as when it began.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    period = models.ForeignKey(BudgetPeriod, models.CASCADE, related_name="charges")
    call_id = models.UUIDField()
    reserved = models.BigIntegerField(null=True)
    ceiling_nano_usd_per_mtok = models.BigIntegerField(null=True)
    spent = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["call_id"], condition=Q(spent__isnull=True), name="budgets_charges_open"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["call_id", "period"], name="budgets_one_charge_per_call_and_period"
            ),
        ]

    def __str__(self) -> str:
        return str(self.call_id)
