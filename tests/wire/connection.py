"""HTTP/1.1 over asyncio streams: what the clients need, and it notices at once when one leaves."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD_BYTES = 65_536
_REASONS = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}


class ClientLeft(Exception):
    """The client closed its connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WatchfulReader(asyncio.StreamReader):
    """A reader that tells that the client has gone, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(limit=MAX_HEAD_BYTES)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        """Note the end of the connection."""
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: BaseException) -> None:
        """Note a broken connection."""
        super().set_exception(exc)  # type: ignore[arg-type]
        self.gone.set()


class Connection:
    """One client's connection, which carries requests one after the other."""

    def __init__(self, reader: WatchfulReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._chop: int | None = None

    async def next_request(self) -> Request | None:
        """Read the next request; None when the client is done."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            method, path, _ = first.split(" ", 2)
            fields = (line.partition(":") for line in lines if line)
            headers = {name.lower(): value.strip() for name, _, value in fields}
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return None
        return Request(method, path.partition("?")[0], headers, body)

    async def pause(self, seconds: float) -> None:
        """Wait. Raises ClientLeft as soon as the client leaves."""
        if seconds <= 0:
            await asyncio.sleep(0)
        else:
            try:
                async with asyncio.timeout(seconds):
                    await self._reader.gone.wait()
            except TimeoutError:
                return
        if self._reader.gone.is_set():
            raise ClientLeft

    async def wait_for_leaving(self) -> None:
        """Wait without end. Raises ClientLeft when the client leaves."""
        await self._reader.gone.wait()
        raise ClientLeft

    async def reply(
        self, status: int, headers: dict[str, str], body: bytes, *, sent_part: float = 1.0
    ) -> None:
        """Send a whole answer, or only its first part of what the headers promise."""
        self._head(status, {**headers, "content-length": str(len(body))})
        self._writer.write(body[: int(len(body) * sent_part)])
        await self._drain()

    async def open_stream(self, status: int, headers: dict[str, str], *, chop: int | None) -> None:
        """Send the head of a chunked answer; with `chop`, chunks will be that many bytes."""
        self._chop = chop
        self._head(status, {**headers, "transfer-encoding": "chunked"})
        await self._drain()

    async def send(self, data: bytes) -> None:
        """Send a part of the stream. Raises ClientLeft."""
        size = self._chop or len(data)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            self._writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await self._drain()

    async def close_stream(self) -> None:
        """End the stream well."""
        self._writer.write(b"0\r\n\r\n")
        await self._drain()

    async def close(self) -> None:
        """Close the connection after what was sent."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return

    def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [
            f"HTTP/1.1 {status} {_REASONS[status]}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def _drain(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientLeft from error
