"""Addresses of the pages of analytics."""

from django.urls import path

from analytics import pages, row_pages

urlpatterns = [
    path("analytics/", pages.subject_page, name="analytics"),
    path("analytics/conversations/", pages.talks_page, name="analytics-conversations"),
    path("analytics/conversations/rows/", row_pages.talks, name="rows-talks"),
    path("analytics/messages/", row_pages.messages, name="rows-messages"),
    path("analytics/ratings/", row_pages.ratings, name="rows-ratings"),
    path("model-calls/", row_pages.model_calls, name="rows-model-calls"),
    path("tool-calls/", row_pages.tool_calls, name="rows-tool-calls"),
    path("budgets/<str:pk>/calls/", row_pages.calls_of_budget, name="rows-budget-calls"),
    path("analytics/definitions/<str:pk>/calls/", row_pages.definition_calls),
    path("analytics/definitions/<str:pk>/", pages.definition_page, name="analytics-definition"),
    path("analytics/live/", pages.live_page, name="analytics-live"),
    path("analytics/users/<uuid:pk>/", pages.user_page, name="analytics-user"),
    path("analytics/<slug:subject>/", pages.subject_page, name="analytics-subject"),
]
