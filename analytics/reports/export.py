"""A report as a file: a line for each step and group with anything in it, written as it is sent."""

import csv
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from io import StringIO
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

import orjson
from django.utils.module_loading import import_string
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from analytics.reports import reading
from analytics.reports.columns import TIMES, Columns, Line, columns_of, flat
from analytics.reports.labels import labels
from analytics.reports.numbers import NUMBERS, numbers_of
from analytics.reports.report_request import BadReport, ReportRequest
from analytics.rollups.tallies import Tally
from core.database import database

_CHUNK, _LINES = 65_536, 256
_SHEET_LINES = 1_048_575  # below the header: so many rows a sheet has, and drops the rest silently
# Some spreadsheets take the wide forms for these; tabs and returns they drop, and look again.
_FORMULAS = (*"=+-@＝＋－＠", "\t", "\r")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds: lines of the same columns, made while they are written, once."""

    name: str
    columns: Columns
    lines: Iterator[Line]


def table_of(asked: ReportRequest) -> Table:
    return Table(asked.wanted.subject.key, _columns(asked), _lines(asked))


def _lines(asked: ReportRequest) -> Iterator[Line]:
    """Flat: `at`, `until`, `key`, `label`, then every number, in the order of time and of keys.

    All is read at once, before the first of them is made.
    """
    span = asked.span
    found = reading.table(replace(asked.wanted, by=asked.by, key=asked.group), span)
    names = labels(asked.by, {key for _, key in found}, asked.reader) if asked.by else {}
    return (
        {
            "at": span.in_zone(at),
            "until": span.in_zone(span.step_until(at)),
            "key": key,
            "label": names.get(key, key),
            **_numbers(asked, found[at, key], span.step_hours(at)),
        }
        for at, key in sorted(found)
    )


def _columns(asked: ReportRequest) -> Columns:
    numbers = columns_of(NUMBERS[asked.wanted.subject.rollup])
    return {**TIMES, "key": str, "label": str, **numbers}


def as_csv(table: Table) -> Iterator[bytes]:
    """A cell that a spreadsheet would take for a formula begins with a quote."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.columns)
    for line in table.lines:
        writer.writerow(_harmless(value) for value in line.values())
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def as_json_lines(table: Table) -> Iterator[bytes]:
    while some := list(islice(table.lines, _LINES)):
        yield b"".join(orjson.dumps(line) + b"\n" for line in some)


def as_json(table: Table) -> Iterator[bytes]:
    """One array of the same lines."""
    yield b"["
    comma = b""
    for some in as_json_lines(table):
        yield comma + some.rstrip(b"\n").replace(b"\n", b",\n")
        comma = b",\n"
    yield b"]\n"


def as_excel(table: Table) -> Iterator[bytes]:
    """One sheet, and further ones where that is full; row by row to disk, then the file."""
    with TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(file, options) as book:
            sheet = _sheet(book, table.name, table.columns)
            for number, line in enumerate(table.lines):
                full, at = divmod(number, _SHEET_LINES)
                if full and not at:
                    sheet = _sheet(book, f"{table.name}-{full + 1}", table.columns)
                sheet.write_row(at + 1, 0, [_cell(table, *one) for one in line.items()])
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _cell(table: Table, name: str, value: Any) -> Any:
    """Money is a number there, of as many digits as Excel has: it adds up texts to 0."""
    return Decimal(value) if value and table.columns[name] is Decimal else value


def _sheet(book: Workbook, name: str, columns: Iterable[str]) -> Worksheet:
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, columns)
    return sheet


def _as_parquet(table: Table) -> Iterator[bytes]:
    chunks: Iterator[bytes] = import_string("analytics.reports.parquet.as_parquet")(table)
    return chunks


Write = Callable[[Table], Iterator[bytes]]
FORMATS: dict[str, tuple[str, Write]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
    "jsonl": ("application/jsonl", as_json_lines),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_excel),
    "parquet": ("application/vnd.apache.parquet", _as_parquet),
}


def format_of(name: str) -> tuple[str, Write]:
    """Raises BadReport."""
    if name not in FORMATS:
        raise BadReport(reason=f"'as' is one of {', '.join(FORMATS)}.")
    return FORMATS[name]


async def streamed(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same for an event loop; each chunk is made in a thread of the database's."""
    while (chunk := await database.run(next, chunks, None)) is not None:
        yield chunk


def _numbers(asked: ReportRequest, tally: Tally, hours: float) -> Line:
    return flat(numbers_of(asked.wanted.subject.rollup, tally, hours).to_json())


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
