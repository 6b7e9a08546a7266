"""Addresses of the experiment pages."""

from django.urls import path

from experiments import row_page, views

urlpatterns = [
    path("experiments/", views.experiments, name="experiments"),
    path("experiments/new/", views.new_experiment, name="experiment-new"),
    path("experiments/<str:pk>/", views.experiment, name="experiment"),
    path("experiments/<str:pk>/edit/", views.edit_experiment, name="experiment-edit"),
    path("experiments/<str:pk>/exposures/", row_page.exposures, name="experiment-exposures"),
]
