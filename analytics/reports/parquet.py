"""A report as an Apache Parquet file; loaded when somebody asks, as it takes 54 MiB of memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import RawIOBase
from itertools import islice
from typing import Any

import pyarrow as arrow
from pyarrow.parquet import ParquetWriter

from analytics.reports.columns import Columns, Line
from analytics.reports.export import Table

_GROUP_LINES = 10_000
_TYPES = {
    datetime: arrow.timestamp("us", "UTC"),
    Decimal: arrow.decimal128(38, 9),  # money counts in billionths
    float: arrow.float64(),
    int: arrow.int64(),
    str: arrow.string(),
}
_READ: dict[type, Callable[[Any], Any]] = {
    datetime: lambda text: datetime.fromisoformat(text).astimezone(UTC),
    Decimal: Decimal,
}


class _Written(RawIOBase):
    """Collects what is written until it is taken; a writer only asks how much it has been."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, piece: Any, /) -> int:
        self._pieces.append(bytes(piece))
        self._size += len(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def as_parquet(table: Table) -> Iterator[bytes]:
    """Instants in UTC, money as exact decimals; 10,000 lines are a row group, sent once full."""
    schema = arrow.schema([(name, _TYPES[kind]) for name, kind in table.columns.items()])
    written = _Written()
    with ParquetWriter(written, schema) as writer:
        while some := list(islice(table.lines, _GROUP_LINES)):
            rows = [_row(table.columns, line) for line in some]
            writer.write_table(arrow.Table.from_pylist(rows, schema))
            yield written.take()
    yield written.take()


def _row(columns: Columns, line: Line) -> Line:
    return {
        name: value if value is None else _READ.get(columns[name], _as_it_is)(value)
        for name, value in line.items()
    }


def _as_it_is(value: Any) -> Any:
    return value
