"""Reports as files, read to their end."""

from typing import Any

from asgiref.sync import async_to_sync


def body_of(answer: Any) -> bytes:
    """All that is streamed."""
    return b"".join(pieces_of(answer))


def pieces_of(answer: Any) -> list[bytes]:
    """As it is streamed."""

    async def collect() -> list[bytes]:
        return [chunk async for chunk in answer.streaming_content]

    return async_to_sync(collect)()
