"""Addresses of the experiment pages."""

from django.urls import path

from experiments import views

urlpatterns = [
    path("experiments/", views.experiments, name="experiments"),
    path("experiments/<str:pk>/", views.experiment, name="experiment"),
]
