"""Where deliveries come in, and the page of webhooks."""

from django.urls import path

from webhooks.api.hooks import Hook

urlpatterns = [
    path("hooks/<str:public_id>/", Hook.as_view(), name="hook"),
]
