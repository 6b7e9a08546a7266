"""Addresses of the analytics API."""

from django.urls import path

from analytics.api import reports
from analytics.api.behind import DefinitionCallRows, RatingRows, SentRows, TalkRows
from analytics.api.dashboard import DashboardEvents
from analytics.api.definitions import DefinitionAnalyticsDetail, DefinitionAnalyticsExport
from analytics.api.overviews import (
    ActivityExport,
    ActivityReport,
    SystemReport,
    TalksExport,
    TalksReport,
)
from analytics.api.ratings import TemplateRating
from analytics.api.replies import ReplyRatingDetail, ReplyRatingList
from analytics.api.templates import TemplateAnalyticsDetail

urlpatterns = [
    path("analytics/executions/", reports.ExecutionsReport.as_view(), name="report-executions"),
    path("analytics/executions/export/", reports.ExecutionsExport.as_view()),
    path("analytics/models/", reports.ModelsReport.as_view(), name="report-models"),
    path("analytics/models/export/", reports.ModelsExport.as_view()),
    path("analytics/tools/", reports.ToolsReport.as_view(), name="report-tools"),
    path("analytics/tools/export/", reports.ToolsExport.as_view()),
    path("analytics/conversations/", TalksReport.as_view(), name="report-conversations"),
    path("analytics/conversations/export/", TalksExport.as_view()),
    path("analytics/conversations/rows/", TalkRows.as_view()),
    path("analytics/messages/", SentRows.as_view()),
    path("analytics/ratings/", RatingRows.as_view()),
    path("analytics/definitions/<str:pk>/calls/", DefinitionCallRows.as_view()),
    path("analytics/system/", SystemReport.as_view(), name="report-system"),
    path("analytics/users/<uuid:pk>/", ActivityReport.as_view(), name="report-user"),
    path("analytics/users/<uuid:pk>/export/", ActivityExport.as_view()),
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
    path("definitions/<str:pk>/analytics/export/", DefinitionAnalyticsExport.as_view()),
    path(
        "templates/<str:pk>/analytics/",
        TemplateAnalyticsDetail.as_view(),
        name="template-analytics",
    ),
    path("templates/<str:pk>/rating/", TemplateRating.as_view(), name="template-rating"),
]
