"""Addresses of the security API."""

from django.urls import path

from security.api.compliance import ComplianceReport

urlpatterns = [
    path("security/compliance/", ComplianceReport.as_view(), name="compliance-report-api"),
]
