"""What one reads on a page: its text, without markup, scripts and styles.

The page is gone through once. Python's own parser looks anew from each `<` for what nothing closes:
300 kB of them take it an hour.
"""

import re
from collections.abc import Collection, Iterator
from html import unescape

_UNSEEN = frozenset({"script", "style", "template", "noscript", "svg"})
_INSIDE = _UNSEEN | {"pre"}
_BREAKING = frozenset(
    {"title", "p", "div", "br", "li", "tr", "pre", "section", "article", "blockquote", "hr"}
    | {"header", "main", "footer", "nav", "aside", "figure", "figcaption", "table", "caption"}
    | {"ul", "ol", "dl", "dt", "dd", "form", "option", "address", "details", "summary"}
    | {f"h{level}" for level in range(1, 7)}
)
_CELLS = frozenset({"td", "th"})
_KEPT = "\ue000"  # for private use: it stands for a space of what is indented
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
    """The visible text, a line for each block or row of cells; the title comes first."""
    text = _LINES.sub("\n", _SPACES.sub(" ", "".join(_seen(page)))).strip()
    return text.replace(_KEPT, " ")


def _seen(page: str) -> Iterator[str]:
    inside: list[str] = []
    at = 0
    while at < len(page):
        markup = _MARKUP.search(page, at)
        yield _shown(page[at : markup.start() if markup else len(page)], inside)
        if markup is None:
            return
        tag, at = (markup["tag"] or "").lower(), markup.end()
        yield _apart(tag, markup["ends"], inside)
        if markup["ends"]:
            del inside[inside.index(tag) if tag in inside else len(inside) :]
        elif tag in _INSIDE and tag not in inside and not markup[0].endswith("/>"):
            inside.append(tag)
            if tag in _WHOLE:
                end = _WHOLE[tag].search(page, at)
                at = end.start() if end else len(page)


def _shown(text: str, inside: Collection[str]) -> str:
    if not _UNSEEN.isdisjoint(inside):
        return ""
    text = _unescaped(text)
    if "pre" in inside:
        return text.expandtabs(4).replace(" ", _KEPT)
    return text.replace("\n", " ")


def _apart(tag: str, ends: str, inside: Collection[str]) -> str:
    """What stands between a text and what follows this tag."""
    if tag in _CELLS and not ends and _UNSEEN.isdisjoint(inside):
        return " | "
    return "\n" if tag in _BREAKING else ""


def _unescaped(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:  # the number of a character, of thousands of digits
        return text
