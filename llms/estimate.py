"""Tokens of a text when nobody counted them: a guess, and a bound (pure)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llms.messages import ChatMessage

_CHARACTERS_PER_TOKEN = 4  # of English; the usual rule of thumb
_BYTES_PER_TOKEN = 3  # of other scripts: about a token a character in Chinese
_TOKENS_PER_MESSAGE = 4  # what providers add for a message's role and ends
_FAR_OFF = 2  # times: no text has so many characters a token throughout
_MOST_PER_MESSAGE = 32
_MOST_FOR_TOOLS = 1024  # the hidden instructions that come with tools


def estimated_tokens(text: str) -> int:
    """A guess; 0 for empty text only."""
    if text.isascii():
        return -(-len(text) // _CHARACTERS_PER_TOKEN)
    plain = len(text.encode("ascii", "ignore"))
    other = _bytes(text) - plain
    twelfths = plain * _BYTES_PER_TOKEN + other * _CHARACTERS_PER_TOKEN
    return -(-twelfths // (_CHARACTERS_PER_TOKEN * _BYTES_PER_TOKEN))


def within(most: int | None, answer: int, thoughts: int) -> tuple[int, int]:
    """Guesses at an answer and at the thoughts before it, no more than the `most` asked for.

    Long words look like more tokens than they are; but where so much came that the provider cannot
    have kept to what was asked for, they stay.
    """
    if most is None or answer + thoughts > _FAR_OFF * most:
        return answer, thoughts
    answer = min(answer, most)
    return answer, min(thoughts, most - answer)


def measured_input(
    messages: Sequence[ChatMessage], tools: Sequence[Mapping[str, Any]]
) -> tuple[int, int]:
    """A guess at the prompt, never 0, and a bound on it.

    The bound holds because no tokenizer in use makes more tokens than there are bytes.
    """
    guess, most = _TOKENS_PER_MESSAGE * len(messages), _MOST_PER_MESSAGE * len(messages)
    for message in messages:
        text = message.everything()
        guess += estimated_tokens(text)
        most += _bytes(text)
    if tools:
        text = json.dumps(tools, ensure_ascii=False, default=str)
        guess += estimated_tokens(text)
        most += _bytes(text) + _MOST_FOR_TOOLS
    return max(1, guess), most


def most_output(*limits: int | None) -> int | None:
    """A bound on the answer, thoughts included: the tightest limit known; None without any.

    Below zero is Ollama's way to say that there is none. What is no number bounds nothing.
    """
    return min((limit for limit in limits if isinstance(limit, int) and limit > 0), default=None)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
