"""Addresses of the privacy API."""

from django.urls import path

from privacy.api.people import OwnExport, PersonErasure, PersonExport

urlpatterns = [
    path("privacy/export/", OwnExport.as_view(), name="own-export"),
    path("privacy/users/<uuid:pk>/export/", PersonExport.as_view(), name="person-export"),
    path("privacy/users/<uuid:pk>/erase/", PersonErasure.as_view(), name="person-erasure"),
]
