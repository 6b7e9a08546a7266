"""Addresses beside the product's, some of which forgot to ask who is there."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import AsyncAPIView


class Careless(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({})


class Forgetful(AsyncAPIView):
    async def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        return HttpResponse("done")


def open_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("welcome")


urlpatterns = [
    path("api/v1/careless/", Careless.as_view()),
    path("api/v1/forgetful/<uuid:pk>/", Forgetful.as_view()),
    path("open/", open_page),
    path("", include("chatter_project.urls")),
]
