"""The answer to a question: a function of the question and its directives, nothing else (pure)."""

import re
from dataclasses import dataclass, replace
from itertools import cycle, islice

from .directives import Behaviour, Fault, ToolCall
from .question import Question
from .usage import Billed, count_tokens

DEFAULT_WORDS = 32
ECHOED_WORDS = 8
_FILLER = "The server answers with words that mean nothing but can be counted."
_UNICODE_FILLER = "naïve привет 日本語 한국어 🙂 👩\u200d👩\u200d👧 e\u0301 ½ zażółć"
_THOUGHTS = "first look at the question, then at what is known, then decide;"


@dataclass(frozen=True, slots=True)
class Answer:
    """What will be said: `pieces` of text join to the text, one token each.

    `stop` is one of stop, length, tool, filter; `billed` is the price of the whole answer.
    """

    pieces: tuple[str, ...]
    thoughts: tuple[str, ...]
    calls: tuple[ToolCall, ...]
    stop: str
    billed: Billed

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def word_count(self) -> int:
        """The words of the text and of the tool calls."""
        return len(self.pieces) + sum(call_tokens(call) for call in self.calls)


def answer(question: Question, said: str, behaviour: Behaviour, fault: Fault | None) -> Answer:
    """Make the answer; `said` is the last user message without its directives."""
    calls = _calls(question, behaviour, fault)
    words = [] if calls else _words(question, said, behaviour)
    pieces, stop = _pieces(words), "tool" if calls else "stop"
    if behaviour.say is not None and not calls:
        pieces = tuple(re.findall(r"\s*\S+", behaviour.say))
    if question.max_tokens is not None and len(pieces) > question.max_tokens:
        pieces, stop = pieces[: question.max_tokens], "length"
    if question.max_tokens is not None and sum(map(call_tokens, calls)) > question.max_tokens:
        calls, stop = _cut(calls, question.max_tokens), "length"
    if fault and fault.kind == "empty":
        pieces, calls, stop = (), (), "stop"
    if fault and fault.kind == "garbled_call":
        calls = tuple(replace(call, arguments=f"{call.name}: {call.arguments}") for call in calls)
    if fault and fault.kind == "content_filter":
        pieces, calls, stop = pieces[: fault.after], (), "filter"
    output = len(pieces) + sum(call_tokens(call) for call in calls)
    return Answer(
        pieces=pieces,
        thoughts=_pieces(_repeat(_THOUGHTS, behaviour.reasoning or 0)),
        calls=calls,
        stop=stop,
        billed=Billed(
            input=question.input_tokens,
            cache_read=behaviour.cached or 0,
            cache_write=behaviour.cache_write or 0,
            output=max(output, 1),
            reasoning=behaviour.reasoning or 0,
        ),
    )


def call_tokens(call: ToolCall) -> int:
    """Count the tokens of a tool call: its name and the words of its arguments."""
    return 1 + count_tokens(call.arguments)


def argument_pieces(call: ToolCall) -> tuple[str, ...]:
    """Cut the arguments into pieces of one token each."""
    return tuple(re.findall(r"\S+\s*", call.arguments))


def _calls(question: Question, behaviour: Behaviour, fault: Fault | None) -> tuple[ToolCall, ...]:
    """Choose the calls: those asked for and offered, until enough rounds were made."""
    rounds = 1 if behaviour.rounds is None else behaviour.rounds
    if question.rounds >= rounds:
        return ()
    calls = behaviour.tools or ()
    if fault and fault.kind == "unoffered":
        return calls
    return tuple(call for call in calls if call.name in question.tools)


def _cut(calls: tuple[ToolCall, ...], left: int) -> tuple[ToolCall, ...]:
    """As many tokens of them as are left; the last one breaks off."""
    kept = []
    for call in calls:
        if left > 0:
            arguments = "".join(argument_pieces(call)[: left - 1]).rstrip()
            kept.append(replace(call, arguments=arguments))
        left -= call_tokens(call)
    return tuple(kept)


def _words(question: Question, said: str, behaviour: Behaviour) -> list[str]:
    results = " ".join(question.tool_results).split()
    opening = ["The", "tools", "said:", *results] if results else []
    echo = said.split()[:ECHOED_WORDS]
    if echo:
        opening += ["You", "asked:", *echo]
    count = max(DEFAULT_WORDS, len(opening)) if behaviour.words is None else behaviour.words
    filler = _repeat(_UNICODE_FILLER if behaviour.unicode else _FILLER, count)
    return [*opening, *filler][:count]


def _repeat(text: str, count: int) -> list[str]:
    return list(islice(cycle(text.split()), count))


def _pieces(words: list[str]) -> tuple[str, ...]:
    return tuple(word if index == 0 else f" {word}" for index, word in enumerate(words))
