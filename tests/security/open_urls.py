"""Addresses beside the product's, some of which forgot to ask who is there."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import authenticate_request
from core.api import AsyncAPIView
from workflows.models import WorkflowDefinition


class Careless(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({})


class Forgetful(AsyncAPIView):
    async def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        return HttpResponse("done")


def open_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("welcome")


class OfStaff(AsyncAPIView):
    """Asks who is there, and not whether they are of the staff."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        await authenticate_request(request)
        return HttpResponse("all entries")


class OfOthers(APIView):
    """Asks who is there, and not whose it is."""

    def get(self, request: Request, pk: str) -> Response:
        return Response({"name": WorkflowDefinition.objects.get(pk=pk).name})


urlpatterns = [
    path("admin/careless/", login_required(open_page)),
    path("api/v1/audit/careless/", OfStaff.as_view()),
    path("api/v1/definitions/<str:pk>/careless/", OfOthers.as_view()),
    path("api/v1/careless/", Careless.as_view()),
    path("api/v1/forgetful/<uuid:pk>/", Forgetful.as_view()),
    path("open/", open_page),
    path("", include("chatter_project.urls")),
]
