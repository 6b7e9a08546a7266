"""Addresses of the analytics API."""

from django.urls import path

from analytics.api.dashboard import DashboardEvents
from analytics.api.definitions import DefinitionAnalyticsDetail
from analytics.api.ratings import TemplateRating
from analytics.api.replies import ReplyRatingDetail, ReplyRatingList
from analytics.api.templates import TemplateAnalyticsDetail

urlpatterns = [
    path("conversations/<str:pk>/ratings/", ReplyRatingList.as_view(), name="reply-ratings"),
    path(
        "conversations/<str:pk>/messages/<str:message>/rating/",
        ReplyRatingDetail.as_view(),
        name="reply-rating",
    ),
    path("dashboard/events/", DashboardEvents.as_view(), name="dashboard-events"),
    path(
        "definitions/<str:pk>/analytics/",
        DefinitionAnalyticsDetail.as_view(),
        name="definition-analytics",
    ),
    path(
        "templates/<str:pk>/analytics/",
        TemplateAnalyticsDetail.as_view(),
        name="template-analytics",
    ),
    path("templates/<str:pk>/rating/", TemplateRating.as_view(), name="template-rating"),
]
