"""Budgets as the API takes and shows them: dollars and tokens as decimal texts."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from budgets.amounts import NANO_USD, TOKENS, in_units, text_of
from budgets.errors import BadBudget
from budgets.models import DEAREST_NANO_USD_PER_MTOK, Budget
from budgets.rows import rows_of
from budgets.standing import standing_of
from core import clock
from core.json_values import storable
from core.money import dollars, dollars_text
from core.names import Name
from core.shapes import Shape

_LARGEST = 10**9
_UNITS = {"usd": NANO_USD, "tokens": TOKENS}
UNIT_NAMES = {unit: name for name, unit in _UNITS.items()}

Amount = Annotated[Decimal, Field(ge=0, le=10**15, allow_inf_nan=False)]
_DEAREST = dollars(DEAREST_NANO_USD_PER_MTOK)
Dollars = Annotated[Decimal, Field(ge=0, le=_DEAREST, decimal_places=9, allow_inf_nan=False)]
Percents = Annotated[
    list[Annotated[int, Field(ge=1, le=100)]],
    Field(max_length=10),
    AfterValidator(lambda given: sorted(set(given))),
]


class BudgetChange(BaseModel):
    """Sets the given fields. `cap` is in dollars or tokens, as the budget is."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    cap: Amount | None = None
    warn_at: Percents | None = None
    active: bool | None = None


class BudgetIn(BaseModel):
    """A new budget. `of` is the id of the user, group, conversation, definition or execution.

    `unpriced` says how to treat models without a price: `deny`, they are not called; `ceiling`,
    they count as `ceiling_usd_per_mtok` per million tokens.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name
    scope: Literal["all", "user", "group", "conversation", "definition", "execution"]
    of: Annotated[str, BeforeValidator(storable)] = Field(default="", max_length=40)
    unit: Literal["usd", "tokens"]
    cap: Amount
    period: Literal["day", "month", "total"]
    time_zone: Annotated[str, BeforeValidator(storable)] = Field(default="UTC", max_length=64)
    unpriced: Literal["deny", "ceiling"] = "deny"
    ceiling_usd_per_mtok: Dollars | None = None
    warn_at: Percents = [50, 80, 100]
    active: bool = True


class StandingOut(Shape):
    """The current period. `left` is what calls may still reserve, `forecast` what will have been
    spent at its end at the average rate so far; null: unknown.

    `spent` is from the ledger, except for `bound`, a part of it: the most that calls may have used
    that were never heard from again or whose cost is unknown. `unknown_calls` are calls in none of
    the figures, because their usage is unknown. `reached` is the highest threshold of `warn_at`
    reported so far, null before the first. `rows` is the address of the calls that it counts.
    """

    begins_at: datetime
    ends_at: datetime | None
    spent: str
    bound: str
    reserved: str
    left: str
    forecast: str | None
    unknown_calls: int
    reached: int | None
    rows: str


class BudgetOut(Shape):
    """Amounts are strings of dollars or of tokens, as `unit` says."""

    id: UUID
    name: str
    owner: UUID
    scope: str
    of: str
    unit: str
    cap: str
    period: str
    time_zone: str
    unpriced: str
    ceiling_usd_per_mtok: str | None
    warn_at: list[int]
    active: bool
    created_at: datetime
    now: StandingOut


def budget_out(budget: Budget) -> BudgetOut:
    ceiling = budget.ceiling_nano_usd_per_mtok
    return BudgetOut(
        id=budget.id,
        name=budget.name,
        owner=budget.owner_id,
        scope=budget.scope,
        of=budget.key.partition(":")[2],
        unit=UNIT_NAMES[budget.unit],
        cap=str(text_of(budget.unit, budget.cap)),
        period=budget.period,
        time_zone=budget.time_zone,
        unpriced=budget.unpriced,
        ceiling_usd_per_mtok=None if ceiling is None else dollars_text(ceiling),
        warn_at=budget.warn_at,
        active=budget.active,
        created_at=budget.created_at,
        now=_standing_out(budget),
    )


def _standing_out(budget: Budget) -> StandingOut:
    now = standing_of(budget, clock.now())
    return StandingOut(
        begins_at=now.span.begins_at,
        ends_at=now.span.ends_at,
        spent=str(text_of(budget.unit, now.spent)),
        bound=str(text_of(budget.unit, now.bound)),
        reserved=str(text_of(budget.unit, now.reserved)),
        left=str(text_of(budget.unit, now.left)),
        forecast=text_of(budget.unit, now.forecast),
        unknown_calls=now.unknown_calls,
        reached=now.reached,
        rows=rows_of(budget.id, now.span),
    )


def columns_of(body: BudgetIn) -> dict[str, Any]:
    """The arguments of `create_budget`. Raises BadBudget."""
    given = body.model_dump(exclude={"cap", "unit", "ceiling_usd_per_mtok"})
    unit, ceiling = _UNITS[body.unit], body.ceiling_usd_per_mtok
    return {
        **given,
        "unit": unit,
        "cap": cap_in(unit, body.cap),
        "ceiling_nano_usd_per_mtok": None if ceiling is None else in_units(NANO_USD, ceiling),
    }


def cap_in(unit: str, cap: Decimal) -> int:
    """Raises BadBudget."""
    if unit == NANO_USD and cap > _LARGEST:
        raise BadBudget(reason=f"A budget has at most ${_LARGEST:,}.")
    try:
        return in_units(unit, cap)
    except ValueError as error:
        raise BadBudget(reason=str(error)) from error
