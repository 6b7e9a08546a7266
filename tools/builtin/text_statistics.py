"""Counts of what a text is made of."""

import re
import unicodedata
from collections import Counter
from functools import cache

from pydantic import Field

from tools.base import Tool, ToolArgs, ToolContext, ToolResult

# Chinese and Japanese put no spaces between words: as elsewhere, each of their characters is one.
_ALONE = r"\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_SENTENCE_END = re.compile(r"(?<=[.!?…।؟۔])\s+|(?<=[。！？])\s*|\n\s*\n")
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
        words = _word().findall(args.text)
        paragraphs = [part for part in re.split(r"\n\s*\n", args.text) if part.strip()]
        counts = {
            "characters": len(args.text),
            "characters_without_spaces": sum(not one.isspace() for one in args.text),
            "words": len(words),
            "different_words": len({word.casefold() for word in words}),
            "sentences": sum(bool(_word().search(one)) for one in _SENTENCE_END.split(args.text)),
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


@cache
def _word() -> re.Pattern[str]:
    r"""A letter may carry marks, such as vowels of Hindi or dots of an ü, which \w leaves out."""
    characters = map(chr, range(0x10000))  # with those beyond, it takes four times as long
    marks = "".join(one for one in characters if unicodedata.category(one) in ("Mn", "Mc"))
    part = rf"(?:(?![{_ALONE}])[\w{marks}])+"
    return re.compile(rf"[{_ALONE}][{marks}]*|{part}(?:['’-]{part})*")
