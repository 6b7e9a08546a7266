"""The server in a thread, for tests."""

import asyncio
import threading
from types import TracebackType

from .meter import Meter, Record
from .script import Script
from .server import HOST, Server


class WireServer:
    """`with WireServer() as wire:` serves on a free port until the block ends.

    `url` is without `/v1`. Requests still open at the end are cut off.
    """

    def __init__(self) -> None:
        self.meter = Meter()
        self._rules = Script()
        self._loop = asyncio.new_event_loop()
        self._server = Server(self.meter, self._rules)
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self.url = ""

    def script(
        self,
        directives: str,
        *,
        next: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
        match: str = "",
        model: str | None = None,
    ) -> None:
        """Add a rule, as POST /script does. Raises BadDirective."""
        self._rules.add(
            directives, next=next, probability=probability, seed=seed, match=match, model=model
        )

    def part_of(self, request: str) -> "WirePart":
        """What concerns those alone who come with this X-Request-ID."""
        return WirePart(self, request)

    def clear(self) -> None:
        """Forget records, rules and attempts, as between two tests."""
        self.meter.clear()
        self._rules.clear()

    def __enter__(self) -> "WireServer":
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()
        self.url = f"http://{HOST}:{port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class WirePart:
    """The server as if it were there for one request id: a script and a meter of its own."""

    def __init__(self, wire: WireServer, request: str) -> None:
        self._wire, self._request = wire, request
        self._rules = wire._server.scripts.setdefault(request, Script())
        self.script = self._rules.add
        self.meter = self

    @property
    def records(self) -> list[Record]:
        return self._own(self._wire.meter.records)

    def settled(self) -> list[Record]:
        return self._own(self._wire.meter.settled())

    def _own(self, records: list[Record]) -> list[Record]:
        return [record for record in records if record.request == self._request]
