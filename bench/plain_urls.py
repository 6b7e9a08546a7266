"""The partner's addresses, in a project that has no others."""

from django.urls import path

from bench.bare_server import healthz
from bench.partner import partner, talkative_partner

urlpatterns = [
    path("bench/partner/", partner),
    path("bench/talkative/", talkative_partner),
    path("healthz", healthz),
]
