"""What a setting was and became, as its graph has it written: `"1"` is not `1`."""

import json
from os.path import commonprefix
from typing import Any

from django import template

from workflows.definition.diff import Setting

register = template.Library()
_NOTHING = "–"
_LETTERS, _BEFORE = 90, 30


@register.filter
def told(change: Setting) -> list[str]:
    """Both in a few words, so long ones from a little before the first letter that differs."""
    texts = [_written(value) for value in (change.before, change.after)]
    begin = len(commonprefix(texts)) - _BEFORE if max(map(len, texts)) > _LETTERS else 0
    return [_cut(text, max(begin, 0)) for text in texts]


def _written(value: Any) -> str:
    return _NOTHING if value is None else json.dumps(value, ensure_ascii=False)


def _cut(text: str, begin: int) -> str:
    end = begin + _LETTERS
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"
