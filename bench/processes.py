"""The processes of the benchmark: commands that are waited for, and servers that are measured."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bench.client import Connection
from bench.requests import Void, raw

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_STARTS_WITHIN_S = 30.0
_STOPS_WITHIN_S = 30.0


def command(
    *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 600
) -> str:
    """Run Python with these arguments and give what it printed. Raises Void when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise Void(f"{' '.join(arguments)} failed:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def answer_of(
    *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 600
) -> Any:
    """The JSON on the last line of what a command printed."""
    told = command(*arguments, environment=environment, timeout_s=timeout_s)
    return json.loads(told.splitlines()[-1])


class Server:
    """A running server, and what the kernel says of it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self.started_s = 0.0
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_s(self) -> float:
        """The processor time it has used, all threads, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def pss_mib(self) -> float:
        """Its memory, with what it shares counted in parts."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise Void("The kernel does not tell how much memory the server uses.")

    def wait_until_healthy(self, began: float) -> None:
        """Ask until the first 200, and note how long after `began` it came."""
        while not asyncio.run(_healthy(self.port)):
            if self._process.poll() is not None or time.perf_counter() - began > _STARTS_WITHIN_S:
                raise Void("The server did not start.")
            time.sleep(0.005)
        self.started_s = time.perf_counter() - began

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def serving(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server on a free port, given as PORT or in place of "PORT"; stopped at the end."""
    port = _free_port()
    arguments = tuple(str(port) if one == "PORT" else one for one in arguments)
    began = time.perf_counter()
    with TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**(environment or os.environ), "PORT": str(port), "HOST": "127.0.0.1"},
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        server = Server(process, port)
        try:
            server.wait_until_healthy(began)
            yield server
        except Void as error:
            log.seek(0)
            raise Void(f"{error}\nThe server's log begins:\n{log.read(1500).decode()}") from error
        finally:
            server.stop()


def chatter(environment: Mapping[str, str], settings: str = "chatter_project.settings") -> Any:
    """A Chatter, as `make run` serves it."""
    return serving(
        "manage.py", "serve", environment={**environment, "DJANGO_SETTINGS_MODULE": settings}
    )


async def _healthy(port: int) -> bool:
    try:
        connection = await Connection.open(port)
    except OSError:
        return False
    try:
        async with asyncio.timeout(2):
            return (await connection.exchange(raw("GET", "/healthz"))).status == 200
    except (Void, TimeoutError):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
