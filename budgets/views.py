"""The page of budgets: how those stand that one made, and those on oneself."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.authentication import user_of
from budgets.api.shapes import budget_out
from budgets.models import Budget
from budgets.rows import pages_of
from core.pagination import shown_page


@never_cache
@login_required
@require_safe
def budgets(request: HttpRequest) -> HttpResponse:
    """Newest first, in the present period of each; staff see others' in the back office."""
    page, ways = shown_page(Budget.objects.concerning(user_of(request)).for_list(), request)
    told = ((one, budget_out(one).to_json()) for one in page)
    shown = [(one, budget, _used(budget), pages_of(budget["now"]["rows"])) for one, budget in told]
    return render(request, "budgets/budgets.html", {"budgets": shown, **ways})


def _used(budget: dict[str, Any]) -> float | None:
    """The share of the cap that is spent; of nothing there is none."""
    cap, spent = Decimal(budget["cap"]), Decimal(budget["now"]["spent"])
    return float(spent / cap) if cap else None
