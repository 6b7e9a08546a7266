"""Addresses of the schedule pages."""

from django.urls import path

from triggers import views

urlpatterns = [
    path("schedules/", views.schedules, name="schedules"),
    path("schedules/new/", views.new_schedule, name="schedule-new"),
    path("schedules/times/", views.schedule_times, name="schedule-form-times"),
    path("schedules/<str:pk>/", views.schedule, name="schedule"),
]
