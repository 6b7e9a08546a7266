"""Addresses of the triggers API."""

from django.urls import path

from triggers.api.chains import ChainDetail, ChainFiringList, ChainList
from triggers.api.schedules import (
    FiringList,
    ScheduleDetail,
    ScheduleList,
    SchedulePause,
    SchedulePreview,
    ScheduleResume,
    ScheduleRunNow,
    ScheduleTimes,
)

_SCHEDULE = "schedules/<str:pk>/"
_CHAIN = "chains/<str:pk>/"

urlpatterns = [
    path("schedules/", ScheduleList.as_view(), name="schedule-list"),
    path("schedules/preview/", SchedulePreview.as_view(), name="schedule-preview"),
    path(_SCHEDULE, ScheduleDetail.as_view(), name="schedule-detail"),
    path(_SCHEDULE + "pause/", SchedulePause.as_view(), name="schedule-pause"),
    path(_SCHEDULE + "resume/", ScheduleResume.as_view(), name="schedule-resume"),
    path(_SCHEDULE + "run-now/", ScheduleRunNow.as_view(), name="schedule-run-now"),
    path(_SCHEDULE + "preview/", ScheduleTimes.as_view(), name="schedule-times"),
    path(_SCHEDULE + "firings/", FiringList.as_view(), name="schedule-firings"),
    path("chains/", ChainList.as_view(), name="chain-list"),
    path(_CHAIN, ChainDetail.as_view(), name="chain-detail"),
    path(_CHAIN + "firings/", ChainFiringList.as_view(), name="chain-firings"),
]
