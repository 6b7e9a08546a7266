"""The least server there can be: daphne, Django, one view. `python -m bench.bare_server PORT`."""

import sys

from daphne.server import Server
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path


async def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("healthz", healthz)]


def serve(port: str) -> None:
    settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF="bench.bare_server")
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - wants the settings

    Server(get_asgi_application(), endpoints=[f"tcp:port={port}:interface=127.0.0.1"]).run()


if __name__ == "__main__":
    serve(sys.argv[1])
