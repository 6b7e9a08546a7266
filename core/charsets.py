"""The text that bytes from the web stand for (pure)."""

import codecs
import re

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Python's own, which nothing on the web is written in; to read 500 kB of punycode takes a minute.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
# What is written with these names is read by browsers as the larger set (WHATWG, Encoding).
_LARGER = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "shift_jis": "cp932"}
_BEGINNING = 1024  # bytes, in which a page has to say so (WHATWG, HTML)
_DECLARED = re.compile(
    rb"""<(?:meta\s[^>]*?\bcharset|\?xml\s[^>]*?\bencoding)\s*=\s*["']?\s*([\w.:-]+)""",
    re.IGNORECASE,
)


def charset_within(page: bytes) -> str:
    """What HTML or XML says that it is written in; empty where it says nothing that can be so."""
    said = _DECLARED.search(page[:_BEGINNING])
    name = said[1].decode("ascii", "replace").lower() if said else ""
    return "" if name.startswith(("utf-16", "utf-32")) else name  # no bytes of those match


def text_of(content: bytes, charset: str = "") -> str:
    """As its first bytes say, else in this character set, else UTF-8; errors are replaced."""
    for mark, marked in _MARKS.items():
        if content.startswith(mark):
            return content[len(mark) :].decode(marked, "replace")
    try:
        name = codecs.lookup(charset or "utf-8").name
        name = _LARGER.get(name, "utf-8" if name in _NO_CHARSETS else name)
        return content.decode(name, "replace")
    except (LookupError, ValueError):  # a character set nobody knows
        return content.decode("utf-8", "replace")
