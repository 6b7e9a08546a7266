"""Addresses of the conversation pages."""

from django.urls import path
from django.views.generic import RedirectView

from conversations import views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="chat"), name="home"),
    path("chat/", views.chat, name="chat"),
    path("chat/<str:pk>/", views.chat, name="conversation"),
]
