"""Addresses of the workflow pages."""

from django.urls import path

from workflows import views

urlpatterns = [
    path("executions/", views.executions, name="executions"),
    path("executions/<str:pk>/", views.execution, name="execution"),
]
