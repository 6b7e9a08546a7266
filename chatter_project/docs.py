"""The API's document, and the page that shows it."""

from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from chatter_project.middleware import POLICY

# Redoc styles itself from its script, and reads its own worker from a blob.
_DOCS_POLICY = POLICY + "; style-src 'self' 'unsafe-inline'; worker-src blob:"
_writing = Lock()


@extend_schema(exclude=True)
class ApiSchema(SpectacularAPIView):
    """Written once in each format: that takes seconds, and anybody may ask for it."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer: Any = type(request.accepted_renderer)
        with _writing:
            document = _written(renderer)
        kind = f"{renderer.media_type}; charset=utf-8"
        headers = {"Content-Disposition": f'inline; filename="Chatter.{renderer.format}"'}
        return HttpResponse(document, content_type=kind, headers=headers)


@cache
def _written(renderer: type[BaseRenderer]) -> Any:
    return renderer().render(SchemaGenerator().get_schema(request=None, public=True))


@extend_schema(exclude=True)
class ApiDocs(SpectacularRedocView):
    """Needs no inline script: it is served from this server like everything else."""

    url_name = "api-schema"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = _DOCS_POLICY
        return response
