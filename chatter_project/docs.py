"""The API's documentation page."""

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView
from rest_framework.request import Request
from rest_framework.response import Response

from chatter_project.middleware import POLICY

# Redoc styles itself from its script, and reads its own worker from a blob.
_DOCS_POLICY = POLICY + "; style-src 'self' 'unsafe-inline'; worker-src blob:"


@extend_schema(exclude=True)
class ApiDocs(SpectacularRedocView):
    """Needs no inline script: it is served from this server like everything else."""

    url_name = "api-schema"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = _DOCS_POLICY
        return response
