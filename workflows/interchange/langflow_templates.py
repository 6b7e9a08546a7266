"""Templates of Langflow: prompts, filled with texts by name, and parsers, with items of a list."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from workflows.interchange.foreign import Conversion, parted, pieces
from workflows.interchange.phrases import plain

PROMPTS = {"Prompt", "Prompt Template"}
# And the field that the data of each parser are wired to.
PARSERS = {
    "parser": "input_data",
    "ParserComponent": "input_data",
    "ParseData": "data",
    "ParseDataFrame": "df",
}
_SINGLE = re.compile(r"(?:\{\{)+|(?:\}\})+|\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DOUBLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_ANY = re.compile(r"(?:\{\{)+|(?:\}\})+|\{([^{}]*)\}")
_CALLED = ("pattern", "format", "template")  # the template of a parser
_SHOWN = 80


def fill(conversion: Conversion, key: str, value: Callable[[str], str]) -> str:
    """The text of a prompt, `value` telling what stands for each name."""
    data, report = conversion.nodes[key].data, conversion.reports[key]
    double = data.true("use_double_brackets", "value")
    place = _DOUBLE if double else _SINGLE
    text = data.text("template", "value")
    if double:
        text = parted(report, text, keep=r"\s*\w+\s*\}\}")
    names = dict.fromkeys(match[1] for match in place.finditer(text) if match[1])
    values = {name: value(name) for name in names}
    return conversion.joined(report, _filled(text, place, values)).strip()


def parse(conversion: Conversion, key: str, rows: Sequence[str]) -> str:
    """The text of a parser, its template once for each row: all that data are here is a text."""
    data, report = conversion.nodes[key].data, conversion.reports[key]
    if data.text("mode", "value") == "Stringify":
        report.note("Data are their texts here; there they may be JSON or a table.")
        return conversion.joined(report, _between("\n", ([text] for text in rows)))
    template = next(filter(None, (data.text(name, "value") for name in _CALLED)), "")
    names = dict.fromkeys(match[1] for match in _ANY.finditer(template) if match[1] is not None)
    for name in names:
        if name != "text":
            report.note(f"Nothing stands where '{name[:_SHOWN]}' of its data did.")
    filled = (_filled(template, _ANY, dict.fromkeys(names, "") | {"text": text}) for text in rows)
    between = plain(data.text("sep", "value")) if data.keys("sep") else "\n"
    return conversion.joined(report, _between(between, filled))


def _between(text: str, rows: Iterable[Iterable[str]]) -> Iterator[str]:
    for at, row in enumerate(rows):
        yield text if at else ""
        yield from row


def _filled(text: str, place: re.Pattern[str], values: Mapping[str, str]) -> Iterator[str]:
    def put(match: re.Match[str]) -> str:
        if match[1] is not None:
            return values[match[1]]
        braces = match[0][::2]  # each is written twice
        would_open = text[match.start() : match.end() + 1].startswith("{{{")
        return f'{{{{"{braces}"}}}}' if would_open else braces

    return pieces(text, place, put)
