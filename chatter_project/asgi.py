"""The application: HTTP, static files, websockets."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatter_project.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402 - after Django is set up
from django.conf import settings  # noqa: E402
from servestatic import ServeStaticASGI  # noqa: E402

from chatter_project.handler import Handler  # noqa: E402
from chatter_project.websockets import sockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": ServeStaticASGI(
            Handler(),
            root=settings.STATIC_ROOT if settings.STATIC_ROOT.exists() else None,
            prefix=settings.STATIC_URL,
            max_age=0,
            allow_all_origins=False,
        ),
        "websocket": sockets,
    }
)
