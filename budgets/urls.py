"""Addresses of the page of budgets."""

from django.urls import path

from budgets import views

urlpatterns = [path("budgets/", views.budgets, name="budgets")]
