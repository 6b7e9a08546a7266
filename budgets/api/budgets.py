"""Budgets: list, make, look at, change, delete."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from budgets.api.shapes import BudgetChange, BudgetIn, BudgetOut, budget_out, cap_in, columns_of
from budgets.models import Budget
from budgets.services.budgets import budget_for, change_budget, create_budget, delete_budget
from core.api import parse
from core.listing import ListFilter, Page, ShapeList


class BudgetFilter(ListFilter):
    class Meta:
        model = Budget
        fields = ["scope", "unit", "period", "active", "key"]


@extend_schema_view(get=extend_schema("budgets_list", responses=Page[BudgetOut]))
class BudgetList(ShapeList):
    """Budgets that you made or that apply to you, newest first; staff see all."""

    filterset_class = BudgetFilter
    queryset = Budget.objects.none()
    shown = staticmethod(budget_out)

    def get_queryset(self) -> Any:
        return Budget.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=BudgetIn, responses={201: BudgetOut})
    def post(self, request: Request) -> Response:
        user = user_of(request)
        made = create_budget(by=user, **columns_of(parse(BudgetIn, request)))
        return _shown(budget_for(user, made.pk), status.HTTP_201_CREATED)


class BudgetDetail(GenericAPIView[Budget]):
    queryset = Budget.objects.none()

    @extend_schema(responses=BudgetOut)
    def get(self, request: Request, pk: str) -> Response:
        return _shown(budget_for(user_of(request), pk))

    @extend_schema(request=BudgetChange, responses=BudgetOut)
    def patch(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        budget = budget_for(user, pk)
        changes = parse(BudgetChange, request).model_dump(exclude_none=True)
        if "cap" in changes:
            changes["cap"] = cap_in(budget.unit, changes["cap"])
        change_budget(budget, by=user, **changes)
        return _shown(budget_for(user, pk))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        delete_budget(budget_for(user, pk), by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(budget: Budget, code: int = status.HTTP_200_OK) -> Response:
    return Response(budget_out(budget).to_json(), status=code)
