"""Addresses of the schedule pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
