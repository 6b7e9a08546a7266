"""Secrets over the API: names and hosts are shown, values never."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from accounts.models import Secret
from accounts.services.secrets import (
    MOST_HOSTS,
    create_secret,
    delete_secret,
    replace_secret,
    secret_for,
)
from core.api import parse
from core.listing import Page, ShapeList
from core.shapes import Shape

_VALUE = "It is sent to these hosts, and shown to nobody again."


class SecretOut(Shape):
    """A secret without its value; a workflow names it as `{secret:<name>}`."""

    id: UUID
    name: str
    hosts: list[str]
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None


class SecretChange(BaseModel):
    """The new value and the new hosts, both."""

    model_config = ConfigDict(extra="forbid")

    value: str = Field(description=_VALUE)
    hosts: list[str] = Field(min_length=1, max_length=MOST_HOSTS)


class SecretIn(SecretChange):
    """A new secret."""

    name: str = Field(max_length=32)


def secret_out(secret: Secret) -> SecretOut:
    return SecretOut(
        id=secret.id,
        name=secret.name,
        hosts=secret.hosts,
        created_at=secret.created_at,
        updated_at=secret.updated_at,
        last_used_at=secret.last_used_at,
    )


@extend_schema_view(get=extend_schema("secrets_list", responses=Page[SecretOut]))
class SecretList(ShapeList):
    """Your secrets, newest first."""

    filter_backends = ()
    queryset = Secret.objects.none()
    shown = staticmethod(secret_out)

    def get_queryset(self) -> Any:
        return Secret.objects.visible_to(user_of(self.request)).defer("value")

    @extend_schema(request=SecretIn, responses={201: SecretOut})
    def post(self, request: Request) -> Response:
        made = create_secret(owner=user_of(request), **parse(SecretIn, request).model_dump())
        return Response(secret_out(made).to_json(), status=201)


class SecretDetail(GenericAPIView[Secret]):
    """One of your secrets, by its name or its id."""

    queryset = Secret.objects.none()

    @extend_schema(request=SecretChange, responses=SecretOut)
    def put(self, request: Request, key: str) -> Response:
        user = user_of(request)
        body = parse(SecretChange, request)
        changed = replace_secret(secret_for(user, key), **body.model_dump(), by=user)
        return Response(secret_out(changed).to_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key: str) -> Response:
        user = user_of(request)
        delete_secret(secret_for(user, key), by=user)
        return Response(status=204)
