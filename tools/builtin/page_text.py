"""What one reads on a page: its text, without markup, scripts and styles.

The page is gone through once. Python's own parser looks anew from each `<` for what nothing closes:
300 kB of them take it an hour.
"""

import re
from collections.abc import Iterator
from html import unescape

_UNSEEN = frozenset({"script", "style", "template", "noscript", "svg"})
_BREAKING = frozenset(
    {"title", "p", "div", "br", "li", "tr", "pre", "section", "article"}
    | {f"h{level}" for level in range(1, 7)}
)
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")
# A comment, a tag, anything else between angle brackets; each to the end where nothing closes it.
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z)
      | <(?P<ends>/?)(?P<tag>[a-zA-Z][^\s/>]*)
        (?:[^>=]+ | =\s*"[^"]*(?:"|\Z) | =\s*'[^']*(?:'|\Z) | =)*+ (?:>|\Z)
      | <[!?/][^>]*(?:>|\Z)""",
    re.VERBOSE | re.DOTALL,
)
# In these nothing but their own end is markup.
_WHOLE = {tag: re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE) for tag in ("script", "style")}


def text_of_html(page: str) -> str:
    """The visible text, a line for each block; the title comes first."""
    return _LINES.sub("\n", _SPACES.sub(" ", "".join(_seen(page)))).strip()


def _seen(page: str) -> Iterator[str]:
    unseen: list[str] = []
    at = 0
    while at < len(page):
        markup = _MARKUP.search(page, at)
        if not unseen:
            yield _unescaped(page[at : markup.start() if markup else len(page)])
        if markup is None:
            return
        tag, at = (markup["tag"] or "").lower(), markup.end()
        if tag in _BREAKING:
            yield "\n"
        if markup["ends"]:
            del unseen[unseen.index(tag) if tag in unseen else len(unseen) :]
        elif tag in _UNSEEN and tag not in unseen and not markup[0].endswith("/>"):
            unseen.append(tag)
            if tag in _WHOLE:
                end = _WHOLE[tag].search(page, at)
                at = end.start() if end else len(page)


def _unescaped(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:  # the number of a character, of thousands of digits
        return text
