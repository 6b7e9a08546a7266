"""What the server needs of an API: one instance each for OpenAI and Anthropic."""

import json
import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .answer import Answer
from .directives import Behaviour
from .question import Question
from .usage import Billed

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event and the tokens that are out once it was sent.

    `is_word` marks the text of the answer and its tool calls: what faults with `after=n` count.
    """

    data: bytes
    output: int = 0
    reasoning: int = 0
    is_word: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """All that shapes the answer on the wire, besides its text."""

    id: str
    question: Question
    behaviour: Behaviour
    tells_usage: bool
    bare: bool
    nulls: bool


@dataclass(frozen=True, slots=True)
class Protocol:
    """An API as functions.

    `refuse` takes a status or fault kind, the record's id and a message, or None for the API's own
    words. `body` and `events` give the whole answer and its stream; `broken` is an event of torn
    JSON.
    """

    name: str
    id_prefix: str
    id_header: str
    key_headers: tuple[str, ...]
    read: Callable[[Any], Question]
    refuse: Callable[[str, str, str | None], Refusal]
    headers: dict[str, str]
    body: Callable[[Answer, Telling], dict[str, Any]]
    events: Callable[[Answer, Telling], Iterator[Event]]
    broken: Callable[[Telling], bytes]
    stream_error: Callable[[Telling], bytes]

    def new_id(self) -> str:
        """Make an id as long as the API's own."""
        return self.id_prefix + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def to_json(data: Any) -> bytes:
    """Write JSON with its characters as they are, so that they take several bytes on the wire."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def spent(billed: Billed, sent: list[Event]) -> Billed:
    """Find what a stream has cost that broke off after these events."""
    return Billed(
        input=billed.input,
        cache_read=billed.cache_read,
        cache_write=billed.cache_write,
        output=sum(event.output for event in sent),
        reasoning=sum(event.reasoning for event in sent),
    )
