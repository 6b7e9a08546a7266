"""Reports as files, read to their end."""

from typing import Any

from asgiref.sync import async_to_sync


def body_of(answer: Any) -> bytes:
    """All that is streamed."""

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(collect)()
