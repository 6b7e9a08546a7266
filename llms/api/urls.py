"""Routes under /api/v1/."""

from django.urls import path

from llms.api.budget_calls import BudgetCallList
from llms.api.calls import ModelCallList
from llms.api.models import ModelList

urlpatterns = [
    path("budgets/<str:pk>/calls/", BudgetCallList.as_view(), name="budget-calls"),
    path("model-calls/", ModelCallList.as_view(), name="model-calls"),
    path("models/", ModelList.as_view(), name="models"),
]
