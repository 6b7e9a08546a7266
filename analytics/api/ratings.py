"""One's rating of a template."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from analytics.models import Rating
from analytics.services.ratings import rate_template, rating_of, unrate
from core.api import parse
from core.shapes import Shape
from workflows.api.inputs import Body, Text
from workflows.services.templates import template_for


class RatingIn(Body):
    """The new rating."""

    stars: int = Field(ge=1, le=5, strict=True)
    comment: Text = Field(default="", max_length=2_000)


class RatingOut(Shape):
    """A comment is visible only to its author and to administrators."""

    stars: int
    comment: str
    updated_at: datetime


def rating_out(rating: Rating) -> RatingOut:
    return RatingOut(stars=rating.stars, comment=rating.comment, updated_at=rating.updated_at)


class TemplateRating(GenericAPIView[Rating]):
    """One per user and template; everyone sees the sums in the template's analytics."""

    queryset = Rating.objects.none()

    @extend_schema(responses=RatingOut)
    def get(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        template = template_for(user, pk)
        return Response(rating_out(rating_of(template.ratings.all(), user)).to_json())

    @extend_schema(request=RatingIn, responses={200: RatingOut, 201: RatingOut})
    def put(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        template = template_for(user, pk)
        rating, created = rate_template(template, by=user, **parse(RatingIn, request).model_dump())
        return Response(rating_out(rating).to_json(), status=201 if created else 200)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        unrate(template_for(user, pk).ratings.all(), by=user)
        return Response(status=204)
