"""A proxy for a machine without nginx: hands each connection to the next server that takes it.

`python -m deploy.balancer 127.0.0.1:8000 127.0.0.1:8001 127.0.0.1:8002`: where it listens, and the
servers. It passes bytes, so it needs to know nothing of websockets and streams; it adds no headers,
so TRUSTED_PROXIES stays 0.
"""

import asyncio
import sys
from contextlib import suppress
from itertools import count

_BYTES = 64 * 1024
Address = tuple[str, int]
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Balancer:
    def __init__(self, servers: list[Address]) -> None:
        self._servers = servers
        self._turn = count()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end; closed at once when no server takes it."""
        server = await self._next_server()
        if server is None:
            writer.close()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, server[1]))
                both.create_task(_pass(server[0], writer))
        finally:
            writer.close()
            server[1].close()

    async def _next_server(self) -> Ends | None:
        first = next(self._turn)
        for at in range(len(self._servers)):
            host, port = self._servers[(first + at) % len(self._servers)]
            with suppress(OSError):
                return await asyncio.open_connection(host, port)
        return None


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until the source ends; then the other side is told so. A broken connection ends both."""
    with suppress(ConnectionError):
        while data := await source.read(_BYTES):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
        return
    sink.transport.abort()


def address_of(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def balance(listen: Address, servers: list[Address]) -> None:
    server = await asyncio.start_server(Balancer(servers).serve, *listen)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    listen_at, *serve_from = map(address_of, sys.argv[1:])
    with suppress(KeyboardInterrupt):
        asyncio.run(balance(listen_at, serve_from))
