"""Addresses of the experiments API."""

from django.urls import path

from experiments.api.experiments import (
    ExperimentComplete,
    ExperimentDetail,
    ExperimentEvents,
    ExperimentList,
    ExperimentPause,
    ExperimentPlan,
    ExperimentPromote,
    ExperimentResults,
    ExperimentResume,
    ExperimentStart,
    VariantStop,
)
from experiments.api.exposures import ExperimentExposures

_ONE = "experiments/<str:pk>/"

urlpatterns = [
    path("experiments/", ExperimentList.as_view(), name="experiment-list"),
    path(_ONE, ExperimentDetail.as_view(), name="experiment-detail"),
    path(_ONE + "start/", ExperimentStart.as_view(), name="experiment-start"),
    path(_ONE + "pause/", ExperimentPause.as_view(), name="experiment-pause"),
    path(_ONE + "resume/", ExperimentResume.as_view(), name="experiment-resume"),
    path(_ONE + "complete/", ExperimentComplete.as_view(), name="experiment-complete"),
    path(_ONE + "promote/", ExperimentPromote.as_view(), name="experiment-promote"),
    path(_ONE + "results/", ExperimentResults.as_view(), name="experiment-results"),
    path(_ONE + "plan/", ExperimentPlan.as_view(), name="experiment-plan"),
    path(_ONE + "exposures/", ExperimentExposures.as_view(), name="experiment-exposure-list"),
    path(_ONE + "events/", ExperimentEvents.as_view(), name="experiment-events"),
    path(
        _ONE + "variants/<str:variant>/stop/",
        VariantStop.as_view(),
        name="experiment-variant-stop",
    ),
]
