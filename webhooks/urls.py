"""Where deliveries come in, and the pages of webhooks."""

from django.urls import path

from webhooks import pages
from webhooks.api.hooks import Hook

urlpatterns = [
    path("hooks/<str:public_id>/", Hook.as_view(), name="hook"),
    path("webhooks/", pages.webhooks, name="webhooks"),
    path("webhooks/in/<str:pk>/", pages.incoming, name="webhook-incoming"),
    path("webhooks/out/<str:pk>/", pages.endpoint, name="webhook-endpoint"),
]
