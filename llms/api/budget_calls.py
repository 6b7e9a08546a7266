"""The calls that count in a budget."""

from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView

from accounts.authentication import user_of
from accounts.models import User
from budgets.counting import calls_counted
from budgets.models import Budget
from budgets.services.budgets import budget_for
from core import clock
from core.errors import Invalid
from core.spans import Instant
from llms.api.calls import ModelCallFilter, ModelCallOut
from llms.models import ModelCall
from llms.querysets import CallQuerySet

_AT = OpenApiParameter(
    "at", OpenApiTypes.DATETIME, description="In the period this is in; by default the present one."
)


class BadPeriod(Invalid):
    code = "bad_period"
    message = "'at' is an instant of the period, such as 2026-11-01T00:00:00Z."


@extend_schema_view(get=extend_schema("budgets_calls", parameters=[_AT]))
class BudgetCallList(ListAPIView[ModelCall]):
    """The model calls that a budget counts in one of its periods, newest first: of those you may
    see.
    """

    serializer_class = ModelCallOut
    filterset_class = ModelCallFilter
    asks = ("at",)
    queryset = ModelCall.objects.none()

    def get_queryset(self) -> Any:
        reader = user_of(self.request)
        budget = budget_for(reader, self.kwargs["pk"])
        return budget_calls(budget, reader, self.request.query_params.get("at", "")).for_list()


def budget_calls(budget: Budget, reader: User, at: str) -> CallQuerySet:
    """Those the reader may see, of the period that `at` is in, or of the present one. Raises
    BadPeriod.
    """
    try:
        instant = Instant(required=False).clean(at) or clock.now()
    except ValidationError as error:
        raise BadPeriod from error
    counted: Any = calls_counted(budget, instant)
    seen: CallQuerySet = counted.visible_to(reader)
    return seen
