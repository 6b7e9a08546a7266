"""Serve HTTP and websockets, and host the pump."""

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatter_project.server import Server, loop
from core.events import bell
from core.garbage import leave_what_is_loaded
from core.lifeline import StopRequest, stop_requested_by
from core.schema import refuse_stale_schema
from workflows.pump.hosts import PumpThread, database_at_work

# A busy server is no reason to drop a socket: daphne's own 5 s were too few for 130 at once.
_HANDSHAKE_S = 30
_LONGEST_MESSAGE = 256 * 1024  # bytes that a websocket's client may say at once


class Command(BaseCommand):
    help = "Serve on HOST and PORT until interrupted; what runs then is handed back, not lost."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_stale_schema()
        from chatter_project.asgi import application  # noqa: PLC0415 - after the schema is known

        # Until the server hears the signal itself: the pump may have claimed something by then.
        with stop_requested_by(signal.SIGTERM) as stop, database_at_work():
            pump = PumpThread() if settings.CHATTER_PUMP == "server" else None
            if pump is not None:
                pump.start()
            else:
                bell.carry_through(loop)
            try:
                self._serve(application, stop)
            finally:
                if pump is not None:
                    pump.stop()
                self.stdout.write("Stopped; what was running is handed back.")

    def _serve(self, application: Any, stop: StopRequest) -> None:
        leave_what_is_loaded()
        host, port = settings.CHATTER_HOST, settings.CHATTER_PORT
        named = f"[{host}]" if ":" in host else host
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else named  # noqa: S104

        def tell() -> None:
            self.stdout.write(f"Chatter is at http://{shown}:{port}/  (Ctrl-C stops it)")
            sys.stdout.flush()

        interface = host.replace(":", r"\:")
        server = Server(
            application,
            endpoints=[f"tcp:port={port}:interface={interface}"],
            server_name="chatter",
            websocket_handshake_timeout=_HANDSHAKE_S,
            websocket_max_message_size=_LONGEST_MESSAGE,
            websocket_max_frame_size=_LONGEST_MESSAGE,
            ready_callable=tell,
        )
        server.run_unless(lambda: stop.received)
        if not server.listening_addresses:
            raise CommandError(f"Port {port} on {host} could not be opened.")
