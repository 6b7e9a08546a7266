"""Chatter's addresses, and the one that makes events happen."""

from django.urls import include, path

from bench.fanout_server import publish

urlpatterns = [path("bench/publish/", publish), path("", include("chatter_project.urls"))]
