"""One's own data, and for staff that of others: out as a file, or gone."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import user_of
from accounts.models import User
from core.api import parse
from core.database import database
from core.errors import NotFound
from core.shapes import Shape
from privacy.services.erasing import erase_user
from privacy.services.exporting import export_user

_ZIP = {(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "A ZIP of JSON lines.")}


class UserNotFound(NotFound):
    code = "user_not_found"
    message = "There is no such user."


class ErasureIn(BaseModel):
    """The name of the user to erase, as a safeguard against erasing somebody else."""

    model_config = ConfigDict(extra="forbid")

    confirm: str = Field(max_length=150, description="The username.")


class Erased(Shape):
    """How many rows were deleted or blanked, by table."""

    rows: dict[str, int]


class MayReadPeople(IsAdminUser):
    """Staff who may view users."""

    needs = "accounts.view_user"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and request.user.has_perm(self.needs)


class MayErasePeople(MayReadPeople):
    """Staff who may delete users."""

    needs = "accounts.delete_user"


class OwnExport(APIView):
    """Everything stored about the caller."""

    @extend_schema(operation_id="export_own_data", responses=_ZIP)
    def get(self, request: Request) -> StreamingHttpResponse:
        user = user_of(request)
        return _download(user, export_user(user, by=user, via="api"))


class PersonExport(APIView):
    """Everything stored about one user; for staff who may view users."""

    permission_classes = [MayReadPeople]

    @extend_schema(operation_id="export_data_of_user", responses=_ZIP)
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        user = _person(pk)
        return _download(user, export_user(user, by=user_of(request), via="api"))


class PersonErasure(APIView):
    """Erase one user, for good; for staff who may delete users."""

    permission_classes = [MayErasePeople]

    @extend_schema(operation_id="erase_user", request=ErasureIn, responses=Erased)
    def post(self, request: Request, pk: UUID) -> Response:
        confirm = parse(ErasureIn, request).confirm
        rows = erase_user(_person(pk), confirm=confirm, by=user_of(request))
        return Response(Erased(rows=dict(rows)).to_json())


def _person(pk: UUID) -> User:
    """Raises UserNotFound."""
    found: User | None = User.objects.filter(pk=pk).first()
    if found is None:
        raise UserNotFound
    return found


def _download(user: User, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_in_turn(pieces), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="chatter-{user.pk}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


async def _in_turn(pieces: Iterator[Any]) -> AsyncIterator[bytes]:
    """Each piece is made in a thread of the database's, when the one before it has gone."""
    while piece := await database.run(next, pieces, b""):
        yield piece
