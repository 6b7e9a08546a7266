"""Addresses of the workflows API."""

from django.urls import path

from workflows.api.executions import (
    ExecutionCancel,
    ExecutionDetail,
    ExecutionEvents,
    ExecutionList,
)
from workflows.api.templates import TemplateDetail, TemplateList
from workflows.api.validation import Validate

urlpatterns = [
    path("executions/", ExecutionList.as_view(), name="execution-list"),
    path("executions/<str:pk>/", ExecutionDetail.as_view(), name="execution-detail"),
    path("executions/<str:pk>/events/", ExecutionEvents.as_view(), name="execution-events"),
    path("executions/<str:pk>/cancel/", ExecutionCancel.as_view(), name="execution-cancel"),
    path("workflows/validate/", Validate.as_view(), name="workflow-validate"),
    path("templates/", TemplateList.as_view(), name="template-list"),
    path("templates/<str:pk>/", TemplateDetail.as_view(), name="template-detail"),
]
