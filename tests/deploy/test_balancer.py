"""The proxy of a machine without nginx."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from asgiref.sync import async_to_sync

from deploy.balancer import Address, Balancer, address_of
from tests.drills.server import free_port

PATIENCE_S = 10.0
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[Address]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


def shouting(name: bytes) -> Serve:
    """A server that gives back each line in capitals, after its name, until there is none."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(name + b" " + line.upper())
            await writer.drain()
        writer.write(name + b" out\n")
        writer.close()

    return serve


async def ask(address: Address, *lines: bytes) -> bytes:
    """All that is answered when these lines are said one after the other, and then no more."""
    reader, writer = await asyncio.open_connection(*address)
    told = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE_S):
            for line in lines:
                writer.write(line)
                told += await reader.readline()
            writer.write_eof()
            told += await reader.read()
    writer.close()
    return told


def test_connections_go_to_the_servers_in_turn_and_pass_both_ways_to_their_end() -> None:
    async def scenario() -> list[bytes]:
        async with (
            listening(shouting(b"one")) as one,
            listening(shouting(b"two")) as two,
            listening(Balancer([one, two]).serve) as proxy,
        ):
            return [await ask(proxy, b"a\n", b"b\n") for _ in range(3)]

    one, two = b"one A\none B\none out\n", b"two A\ntwo B\ntwo out\n"
    assert async_to_sync(scenario)() == [one, two, one]


def test_a_server_that_is_down_is_passed_over() -> None:
    async def scenario() -> list[bytes]:
        down = ("127.0.0.1", free_port())
        async with (
            listening(shouting(b"up")) as up,
            listening(Balancer([down, up]).serve) as proxy,
        ):
            return [await ask(proxy, b"a\n") for _ in range(3)]

    assert async_to_sync(scenario)() == [b"up A\nup out\n"] * 3


def test_without_any_server_a_connection_is_closed() -> None:
    async def scenario() -> bytes:
        down = ("127.0.0.1", free_port())
        async with listening(Balancer([down]).serve) as proxy:
            return await ask(proxy, b"a\n")

    assert async_to_sync(scenario)() == b""


def test_a_server_that_dies_takes_its_connections_with_it() -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.transport.abort()

    async def scenario() -> bytes:
        async with listening(dies) as server, listening(Balancer([server]).serve) as proxy:
            return await ask(proxy, b"a\n")

    assert async_to_sync(scenario)() == b""


def test_an_address_is_a_host_and_a_port() -> None:
    assert address_of("127.0.0.1:8000") == ("127.0.0.1", 8000)
