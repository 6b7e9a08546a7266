"""Tokens over the API: a password buys one, its owner lists and revokes them."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken
from accounts.passwords import LONGEST
from accounts.querysets import ApiTokenQuerySet
from accounts.services.sessions import check_credentials
from accounts.services.tokens import create_token, revoke_token
from core import clock


class CredentialsIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=LONGEST, trim_whitespace=False)
    name = serializers.CharField(max_length=100, default="", allow_blank=True)
    expires_at = serializers.DateTimeField(
        default=None, allow_null=True, help_text="From then on the token opens nothing."
    )

    def validate_expires_at(self, given: datetime | None) -> datetime | None:
        if given and given <= clock.now():
            raise serializers.ValidationError("This has passed.", code="in_the_past")
        return given

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = set(self.initial_data) - set(self.fields)
        if unknown:
            problems = {name: ["There is no such field."] for name in sorted(unknown)}
            raise serializers.ValidationError(problems, code="unknown_field")
        return attrs


class TokenMade(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown this once.")
    id = serializers.UUIDField()
    expires_at = serializers.DateTimeField(allow_null=True)


class TokenOut(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields = (
            *("id", "name", "prefix", "created_at"),
            *("last_used_at", "expires_at", "revoked_at"),
        )


class TokenFromPassword(APIView):
    """Exchange a username and a password for a token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=CredentialsIn, responses={201: TokenMade}, auth=[])
    def post(self, request: Request) -> Response:
        given = CredentialsIn(data=request.data)
        given.is_valid(raise_exception=True)
        asked = {name: given.validated_data.pop(name) for name in ("name", "expires_at")}
        user = check_credentials(**given.validated_data, via="api")
        token, plain = create_token(user=user, by=user, **asked)
        made = {"token": plain, "id": token.pk, "expires_at": token.expires_at}
        return Response(TokenMade(made).data, status=201)


class _OwnTokens(generics.GenericAPIView[ApiToken]):
    serializer_class = TokenOut
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> ApiTokenQuerySet:
        return ApiToken.objects.visible_to(self.request.user)


class TokenList(_OwnTokens, generics.ListAPIView[ApiToken]):
    """Your tokens, newest first, including revoked ones."""


class TokenDetail(_OwnTokens, generics.DestroyAPIView[ApiToken]):
    """Revoke one of your tokens."""

    def perform_destroy(self, instance: ApiToken) -> None:
        revoke_token(token=instance, by=self.request.user)
