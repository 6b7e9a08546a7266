"""Addresses of the workflow pages."""

from django.urls import path

from workflows import approval_pages, views

urlpatterns = [
    path("approvals/", approval_pages.approvals, name="approvals"),
    path("executions/", views.executions, name="executions"),
    path("executions/<str:pk>/", views.execution, name="execution"),
]
