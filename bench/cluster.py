"""The production profile: a web server that only takes executions, and workers that run them.

They share PostgreSQL, and Redis of the benchmark's own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import httpx2

from bench.processes import ROOT, Server, chatter
from bench.requests import Void
from deploy.services import own_redis

_CLAIMS_WITHIN_S = 60.0
_STOPS_WITHIN_S = 60.0


@dataclass(slots=True)
class Cluster:
    web: Server
    environment: Mapping[str, str]

    @contextmanager
    def worker(self) -> Iterator[None]:
        """One more `manage.py work`, with one pump that claims."""
        wanted = self._claiming() + 1
        with TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "work"],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
            try:
                self._await(wanted)
                yield
            except Void as error:
                log.seek(0)
                raise Void(
                    f"{error}\nThe worker's log begins:\n{log.read(1500).decode()}"
                ) from error
            finally:
                process.terminate()
                process.wait(_STOPS_WITHIN_S)
        self._await(wanted - 1)

    def _await(self, pumps: int) -> None:
        until = time.monotonic() + _CLAIMS_WITHIN_S
        while self._claiming() != pumps:
            if time.monotonic() > until:
                raise Void(f"{self._claiming()} pumps claim, not {pumps}.")
            time.sleep(0.1)

    def _claiming(self) -> int:
        told = httpx2.get(f"http://127.0.0.1:{self.web.port}/readyz", timeout=10)
        return json.loads(told.content)["pumps"]["claiming"]


@contextmanager
def cluster(environment: Mapping[str, str], **settings: str) -> Iterator[Cluster]:
    """Without a worker as yet. Raises `deploy.services.Missing`."""
    with (
        TemporaryDirectory(prefix="chatter-bench-") as folder,
        own_redis(Path(folder) / "redis") as redis,
    ):
        joined = {**environment, "CHATTER_PUMP": "workers", "REDIS_URL": redis, **settings}
        with chatter(joined) as web:
            yield Cluster(web, joined)
