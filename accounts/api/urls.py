"""Addresses of the accounts API."""

from django.urls import path

from accounts.api import schema  # noqa: F401 - the schema finds its extensions by import
from accounts.api.me import Me
from accounts.api.secrets import SecretDetail, SecretList
from accounts.api.tokens import TokenDetail, TokenFromPassword, TokenList

urlpatterns = [
    path("auth/token/", TokenFromPassword.as_view(), name="auth-token"),
    path("auth/tokens/", TokenList.as_view(), name="auth-tokens"),
    path("auth/tokens/<uuid:pk>/", TokenDetail.as_view(), name="auth-token-detail"),
    path("auth/me/", Me.as_view(), name="auth-me"),
    path("secrets/", SecretList.as_view(), name="secrets"),
    path("secrets/<str:key>/", SecretDetail.as_view(), name="secret-detail"),
]
