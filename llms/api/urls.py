"""Routes under /api/v1/."""

from django.urls import path

from llms.api.calls import ModelCallList
from llms.api.models import ModelList

urlpatterns = [
    path("model-calls/", ModelCallList.as_view(), name="model-calls"),
    path("models/", ModelList.as_view(), name="models"),
]
