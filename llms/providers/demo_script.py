"""What the demo model answers to what it is sent, and the words that direct it (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from llms.providers.demo_replies import REPLIES

_PER_MESSAGE = 3
_MOST_WORDS = 5000
_TITLE_WORDS, _SUMMARY_WORDS, _QUOTED_WORDS = 6, 40, 12
_SLOWLY = 10
_FILLER = ("every", "word", "of", "this", "demo", "answer", "lands", "in", "the", "ledger")

_TASK = re.compile(
    r"(?i)\W*(?:please\s+)?(?:(?P<summary>summari[sz]e)|\w+ (?:me )?a (?:short )?title)\b[^\n]*"
)
_THINK = re.compile(r"(?i)\bthink (?:hard )?about ([^.?!\n]{1,80})")
_COUNT = re.compile(r"(?i)\b(?:say|write) (\d{1,6}) words\b")
_ECHO = re.compile(r"(?is)\b(?:say exactly|repeat after me|echo):\s*(.+)")
_TOOL = re.compile(r"(?is)\b(?:use|call) (?:the )?(?:tool )?([\w.-]+)[^{]{0,20}(\{.{0,2000}\})?")
_NAME = re.compile(r"(?i)\bmy name is ([^\s.,!?]{1,40})")
_LABELS = re.compile(
    r"(?im)^(?:[^\S\n]*(?:user|assistant|human|ai|summary so far|demo summary)[^\S\n]*:)+"
)
_QUOTED = re.compile(r"`[^`\n]*`")
_TELLS_NAMES = ("human", "system")  # the latter in a summary of what was said before
_ASKS_NAME = re.compile(r"(?i)\bwhat(?:'s| is) my name\b")


class Fault(Enum):
    """How an answer can be asked to go wrong; the value is what to say."""

    REFUSES = "please fail"  # an error answer that no retry mends
    BUSY = "please be busy"  # an error answer that asks for patience
    BREAKS = "please break"  # the connection ends half-way
    HANGS = "please hang"  # nothing ever comes


@dataclass(frozen=True, slots=True)
class Said:
    """A message the model is sent; `role` as LangChain calls it: system, human, ai, tool."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    name: str
    arguments: str  # JSON


@dataclass(frozen=True, slots=True)
class Line:
    """An answer. Words and thoughts carry the space that follows them."""

    words: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    tool_use: ToolUse | None = None
    fault: Fault | None = None
    slowness: int = 1
    finish_reason: str = "stop"

    def cut_to(self, max_tokens: int | None) -> "Line":
        """The same, ended after so many words."""
        if max_tokens is None or len(self.words) <= max_tokens:
            return self
        return replace(self, words=self.words[:max_tokens], finish_reason="length")

    @property
    def output_tokens(self) -> int:
        """One per word of text, tool name and arguments, thoughts aside; at least 1."""
        used = self.tool_use
        return max(1, len(self.words) + (1 + len(used.arguments.split()) if used else 0))


def input_tokens(said: Sequence[Said]) -> int:
    """One per word, and 3 per message."""
    return sum(len(message.text.split()) + _PER_MESSAGE for message in said)


def script(said: Sequence[Said], tools: Sequence[str] = ()) -> Line:
    """The answer to a conversation; depends on nothing else."""
    if said and said[-1].role == "tool":
        return Line(_words(f"The tool answered: {said[-1].text}"))
    question = _last(said, "human")
    task = _TASK.match(_last(said, "system")) or _TASK.match(question)
    if task:
        return Line(_words(_condensed(question, task)))
    if used := _tool_use(question, tools):
        return Line(tool_use=used, finish_reason="tool_calls")
    return _directed(question, Line(_words(_reply(question, said))))


def _directed(question: str, line: Line) -> Line:
    """The line as the question wants it: with thoughts, slowly, or broken.

    What stands in backticks is only told about, as in its own help, which may be asked it next.
    """
    question = _QUOTED.sub("", question)
    if topic := _THINK.search(question):
        thoughts = f"The question is about {topic[1].strip()}. I look at both sides, then answer."
        line = replace(line, thoughts=_words(thoughts))
    lowered = question.lower()
    if "slowly" in lowered:
        line = replace(line, slowness=_SLOWLY)
    if "please" in lowered:
        line = replace(line, fault=next((f for f in Fault if f.value in lowered), None))
    return line


def _reply(question: str, said: Sequence[Said]) -> str:
    if count := _COUNT.search(question):
        wanted = min(int(count[1]), _MOST_WORDS)
        return " ".join(_FILLER[at % len(_FILLER)] for at in range(wanted))
    if echo := _ECHO.search(question):
        return echo[1]
    if _ASKS_NAME.search(question):
        told = [one.text for one in said if one.role in _TELLS_NAMES]
        names = [found for text in told for found in _NAME.findall(text)]
        return f"Your name is {names[-1]}." if names else "You have not told this demo your name."
    if name := _NAME.search(question):
        return f"Hello {name[1]}! I am Chatter's demo model, and I will remember that here."
    spoken = frozenset(re.findall(r"[a-z]+", question.lower()))
    for words, reply in REPLIES:
        if spoken.issuperset(words):
            return reply
    return _nothing_known(question)


def _nothing_known(question: str) -> str:
    words = question.split()
    quoted = " ".join(words[:_QUOTED_WORDS]) + (" …" if len(words) > _QUOTED_WORDS else "")
    return (
        f"You said: “{quoted}”. I am Chatter's built-in demo model, so I only know small talk "
        "about Chatter; ask `help` to see what I can do, or `how do I plug in a real model?`"
    )


def _tool_use(question: str, tools: Sequence[str]) -> ToolUse | None:
    """The tool that is asked for, if there is one of that name."""
    for name, arguments in _TOOL.findall(question) if tools else ():
        if name in tools:
            return ToolUse(name, arguments or "{}")
    return None


def _condensed(question: str, task: re.Match[str]) -> str:
    """A title or a summary: the first words of what is to be condensed."""
    text = question[task.end() :] if task.string == question else question
    words = _LABELS.sub("", text).split()
    if task["summary"]:
        return "Demo summary: " + " ".join(words[:_SUMMARY_WORDS])
    return " ".join(words[:_TITLE_WORDS]).strip(".,;:!?“”\"'") or "A demo conversation"


def _last(said: Sequence[Said], role: str) -> str:
    return next((one.text for one in reversed(said) if one.role == role), "")


def _words(text: str) -> tuple[str, ...]:
    """Pieces that put together give the text; each holds one word."""
    return tuple(re.findall(r"\s*\S+\s*", text)) or ((text,) if text else ())
