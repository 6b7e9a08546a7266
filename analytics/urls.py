"""Addresses of the pages of analytics."""

from django.urls import path

from analytics import pages

urlpatterns = [
    path("analytics/", pages.subject_page, name="analytics"),
    path("analytics/conversations/", pages.talks_page, name="analytics-conversations"),
    path("analytics/definitions/<str:pk>/", pages.definition_page, name="analytics-definition"),
    path("analytics/live/", pages.live_page, name="analytics-live"),
    path("analytics/<slug:subject>/", pages.subject_page, name="analytics-subject"),
]
