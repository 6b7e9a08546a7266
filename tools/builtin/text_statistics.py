"""Counts of what a text is made of."""

import re
from collections import Counter

from pydantic import Field

from tools.base import Tool, ToolArgs, ToolContext, ToolResult

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*|\n\s*\n")
_WORDS_READ_A_MINUTE = 230
_MOST = 10


class TextStatisticsArgs(ToolArgs):
    text: str = Field(max_length=200_000, description="The text to be counted.")


class TextStatistics(Tool[TextStatisticsArgs]):
    key = "text_statistics"
    label = "Text statistics"
    description = (
        "Counts the characters, words, sentences, lines and paragraphs of a text, and tells its "
        "most frequent words and how long it takes to read."
    )
    args = TextStatisticsArgs

    async def call(self, args: TextStatisticsArgs, context: ToolContext) -> ToolResult:
        words = _WORD.findall(args.text)
        paragraphs = [part for part in re.split(r"\n\s*\n", args.text) if part.strip()]
        counts = {
            "characters": len(args.text),
            "characters_without_spaces": sum(not one.isspace() for one in args.text),
            "words": len(words),
            "different_words": len({word.casefold() for word in words}),
            "sentences": sum(bool(_WORD.search(one)) for one in _SENTENCE_END.split(args.text)),
            "lines": len(args.text.splitlines()),
            "paragraphs": len(paragraphs),
            "reading_time_s": round(len(words) * 60 / _WORDS_READ_A_MINUTE),
        }
        frequent = Counter(word.casefold() for word in words).most_common(_MOST)
        told = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items())
        often = ", ".join(f"{word} ({count})" for word, count in frequent)
        return ToolResult(
            text=f"{told}; most frequent: {often or 'none'}",
            data={**counts, "most_frequent": [list(pair) for pair in frequent]},
        )
