"""The partner's server, an ordinary Django project: `python -m bench.plain_server PORT`.

Its garbage collector is tuned as Chatter's is: what is compared is the recording, not the tuning.
"""

import sys

from daphne.server import Server
from django.core.asgi import get_asgi_application

from core.database import database
from core.garbage import leave_what_is_loaded


def serve(port: str) -> None:
    application = get_asgi_application()
    database.start()
    leave_what_is_loaded()
    Server(application, endpoints=[f"tcp:port={port}:interface=127.0.0.1"]).run()


if __name__ == "__main__":
    serve(sys.argv[1])
