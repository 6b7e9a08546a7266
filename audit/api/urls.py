"""Addresses of the audit API."""

from django.urls import path

from audit.api.entries import EntryList

urlpatterns = [path("audit/entries/", EntryList.as_view(), name="audit-entries")]
