"""Addresses of the security pages."""

from django.urls import path

from security.views import compliance_page

urlpatterns = [path("compliance/", compliance_page, name="compliance")]
