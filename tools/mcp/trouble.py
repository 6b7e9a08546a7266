"""What went wrong while a server was spoken to; the client library meets it with silence."""

import asyncio
import re

import httpx
from pydantic import ValidationError

# How a message begins, unlike a line of a log that a program writes to the same place.
_MESSAGE = re.compile(r'\s*\{\s*"(?:jsonrpc|id|result|error)"')


class Unreadable(Exception):
    """What came is no answer; it is not repeated, for it may be anything."""


class Trouble:
    """The first thing that went wrong; whoever waits for an answer is woken."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.broken = asyncio.Event()

    async def hear(self, message: object) -> None:
        """What the client library says of a message that it cannot read, or of a stream of events
        that broke off: then no answer comes.
        """
        if isinstance(message, Exception):
            self.miss(message if isinstance(message, httpx.HTTPError) else None)

    def miss(self, error: Exception | None = None) -> None:
        self.note(error or Unreadable())

    def note(self, error: Exception) -> None:
        if self.trouble is None:
            self.trouble = error
            self.broken.set()


class Lines(Trouble):
    """Of what a process writes, in lines: other words than messages are no trouble."""

    async def hear(self, message: object) -> None:
        if isinstance(message, ValidationError) and _is_message(message):
            self.miss()


def _is_message(error: ValidationError) -> bool:
    """Whether what could not be read was meant to be a message: its line, or the JSON of it."""
    read = error.errors(include_url=False, include_context=False)[0]["input"]
    return "jsonrpc" in read if isinstance(read, dict) else bool(_MESSAGE.match(str(read)[:100]))
