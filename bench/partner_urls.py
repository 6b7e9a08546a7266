"""Every address of Chatter, and the partner's."""

from django.urls import path

from bench.partner import partner, talkative_partner
from chatter_project.urls import urlpatterns as _chatter

urlpatterns = [
    path("bench/partner/", partner),
    path("bench/talkative/", talkative_partner),
    *_chatter,
]
