"""Addresses of the analytics API."""

from django.urls import path

from analytics.api.templates import TemplateAnalyticsDetail

urlpatterns = [
    path(
        "templates/<str:pk>/analytics/",
        TemplateAnalyticsDetail.as_view(),
        name="template-analytics",
    ),
]
