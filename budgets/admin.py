"""The back office of budgets: made, changed and deleted; what was used of them is looked at."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import BigIntegerField
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.authentication import user_of
from budgets.amounts import NANO_USD, amount_for_people, in_units, text_of
from budgets.models import (
    DEAREST_NANO_USD_PER_MTOK,
    Budget,
    BudgetPeriod,
    validate_thresholds,
)
from budgets.periods import Span
from budgets.rows import Pages, pages_of, rows_of
from budgets.services.budgets import (
    CHANGEABLE,
    change_budget,
    checked_budget,
    delete_budget,
    keep_budget,
)
from budgets.standing import standing_of
from core import clock
from core.back_office import DeletedWhole, ReadOnlyAdmin
from core.errors import ChatterError
from core.money import dollars

_CAP = "In dollars, such as 12.50, or in tokens."
_CEILING = "In dollars per million tokens, for models without a price, where they count as that."
_OF = "The id of the user, group, workflow, conversation or execution; empty: everybody."


class BudgetForm(forms.ModelForm):
    """What there is to say of a budget, told where it is wrong."""

    cap = forms.DecimalField(min_value=0, max_digits=28, decimal_places=9, help_text=_CAP)

    class Meta:
        widgets = {"warn_at": forms.TextInput}
        help_texts = {"warn_at": "Percents, such as [50, 80, 100]."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["cap"] = text_of(self.instance.unit, self.instance.cap)

    def clean(self) -> dict[str, Any]:
        """The cap as it is kept."""
        given = super().clean() or {}
        if "cap" in given:
            try:
                given["cap"] = in_units(given.get("unit") or self.instance.unit, given["cap"])
            except ValueError as error:
                self.add_error("cap", str(error))
            else:
                if given["cap"] > BigIntegerField.MAX_BIGINT:
                    self.add_error("cap", "No budget is as large.")
        return given

    def clean_warn_at(self) -> list[int]:
        """Nothing is a list of none."""
        given = self.cleaned_data["warn_at"]
        told = [] if given is None else given
        validate_thresholds(told)
        return sorted(set(told))


class NewBudgetForm(BudgetForm):
    """With whose calls count, which is looked up as the API does."""

    ceiling = forms.DecimalField(
        min_value=0,
        max_value=dollars(DEAREST_NANO_USD_PER_MTOK),
        decimal_places=9,
        required=False,
        help_text=_CEILING,
    )
    of = forms.CharField(required=False, help_text=_OF)

    class Meta(BudgetForm.Meta):
        model = Budget
        fields = (
            *("name", "scope", "of", "unit", "cap", "period", "time_zone"),
            *("unpriced", "ceiling", "warn_at", "active"),
        )

    by: Any = None

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if self.errors:
            return given
        ceiling = given["ceiling"]
        fields = {name: value for name, value in given.items() if name != "ceiling"} | {
            "of": given.get("of", ""),
            "ceiling_nano_usd_per_mtok": None if ceiling is None else in_units(NANO_USD, ceiling),
        }
        try:
            checked = checked_budget(by=self.by, **fields)
        except ChatterError as error:
            raise forms.ValidationError(str(error)) from error
        for name in ("owner", "key", "user", "group", "ceiling_nano_usd_per_mtok"):
            setattr(self.instance, name, getattr(checked, name))
        return given


@admin.register(Budget)
class BudgetAdmin(DeletedWhole, admin.ModelAdmin):
    """Goes through the services, which audit; how a budget counts stays as it was made."""

    form = BudgetForm
    list_display = ("name", "key", "owner", "most", "used", "period", "active", "created_at")
    list_filter = ("scope", "unit", "period", "active")
    list_select_related = ("owner",)
    search_fields = ("name", "=key", "owner__username", "=id")
    actions = None
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("key", *NewBudgetForm.Meta.fields) if obj else NewBudgetForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return ("key", *(name for name in NewBudgetForm.Meta.fields if name not in CHANGEABLE))

    def of(self, budget: Budget) -> str:
        return budget.key.partition(":")[2]

    @admin.display(empty_value="-")
    def ceiling(self, budget: Budget) -> str | None:
        """Dollars per million tokens."""
        return text_of(NANO_USD, budget.ceiling_nano_usd_per_mtok)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.for_list()

    @admin.display(description="used now")
    def used(self, budget: Budget) -> str:
        """In the present period, with the highest threshold that was told of."""
        now = standing_of(budget, clock.now())
        spent = amount_for_people(budget.unit, now.spent)
        told = f"{spent}, {now.reached}% reached" if now.reached else spent
        return _linked(pages_of(rows_of(budget.pk, now.span)).spent, told)

    @admin.display(description="at most", ordering="cap")
    def most(self, budget: Budget) -> str:
        return amount_for_people(budget.unit, budget.cap)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            by = {"by": request.user}
            kwargs["form"] = type("NewBudgetForm", (NewBudgetForm,), by)
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by = user_of(request)
        if change:
            given = {name: form.cleaned_data[name] for name in CHANGEABLE}
            change_budget(Budget.objects.get(pk=obj.pk), by=by, **given)
        else:
            keep_budget(obj, by=by)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_budget(obj, by=user_of(request))


@admin.register(BudgetPeriod)
class BudgetPeriodAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = (
        "budget",
        "begins_at",
        "ends_at",
        "used",
        "at_most",
        "under_way",
        "unknown_calls",
        "warned",
    )
    list_filter = ("begins_at", "budget__scope", "budget__unit")
    list_select_related = ("budget",)
    search_fields = ("budget__name", "=budget__key", "=budget__id")
    date_hierarchy = "begins_at"

    @admin.display(description="spent", ordering="spent")
    def used(self, period: BudgetPeriod) -> str:
        told = text_of(period.budget.unit, period.spent)
        return _linked(_pages(period).spent, told)

    @admin.display(description="of it a bound", ordering="bound")
    def at_most(self, period: BudgetPeriod) -> str | None:
        return text_of(period.budget.unit, period.bound)

    @admin.display(description="reserved", ordering="reserved")
    def under_way(self, period: BudgetPeriod) -> str:
        told = text_of(period.budget.unit, period.reserved)
        return _linked(_pages(period).under_way, told)


def _pages(period: BudgetPeriod) -> Pages:
    return pages_of(rows_of(period.budget_id, Span(period.begins_at, period.ends_at)))


def _linked(address: str, told: str | None) -> str:
    return format_html('<a href="{}">{}</a>', address, told)
