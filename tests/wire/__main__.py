"""The server as a process: `python -m tests.wire --port 0 --meter FILE`."""

import argparse
import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

from .meter import Meter
from .script import Script
from .server import Server


def main() -> None:
    """Serve until SIGTERM, SIGINT, or the end of standard input if that is a pipe."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--meter", type=Path, help="append records to this file as lines of JSON")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.meter))


async def _serve(port: int, meter: Path | None) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, over.set)
    _watch_stdin(loop, over)
    server = Server(Meter(meter), Script())
    sys.stdout.write(f"{await server.start(port)}\n")
    sys.stdout.flush()
    await over.wait()
    await server.stop()


def _watch_stdin(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    """End when the parent closes its pipe; a terminal or /dev/null says nothing of the parent."""
    descriptor = sys.stdin.fileno()
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        loop.add_reader(descriptor, lambda: None if os.read(descriptor, 4096) else over.set())


if __name__ == "__main__":
    main()
