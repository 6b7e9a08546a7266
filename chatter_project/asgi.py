"""The application: HTTP, static files, websockets."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatter_project.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402 - after Django is set up
from django.conf import settings  # noqa: E402
from servestatic import ServeStaticASGI  # noqa: E402

from chatter_project.handler import Handler  # noqa: E402
from chatter_project.websockets import sockets  # noqa: E402


class CollectedFiles(ServeStaticASGI):
    """As they are now: those of the next release are collected while this one still serves."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        collected = scope["path"].startswith(settings.STATIC_URL)
        await (super().__call__ if collected else self.application)(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": CollectedFiles(
            Handler(),
            root=settings.STATIC_ROOT,
            prefix=settings.STATIC_URL,
            autorefresh=True,
            max_age=0,
            allow_all_origins=False,
        ),
        "websocket": sockets,
    }
)
