"""Addresses of the budgets API."""

from django.urls import path

from budgets.api.budgets import BudgetDetail, BudgetList

urlpatterns = [
    path("budgets/", BudgetList.as_view(), name="budget-list"),
    path("budgets/<str:pk>/", BudgetDetail.as_view(), name="budget-detail"),
]
