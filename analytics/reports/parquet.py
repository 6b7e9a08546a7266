"""A report as an Apache Parquet file; loaded when somebody asks, as it takes 54 MiB of memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pyarrow as arrow
from pyarrow.parquet import ParquetWriter

from analytics.reports.columns import Columns, Line
from analytics.reports.export import Table
from core.pipe import Pipe

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


def as_parquet(table: Table) -> Iterator[bytes]:
    """Instants in UTC, money as exact decimals; 10,000 lines are a row group, sent once full."""
    schema = arrow.schema([(name, _TYPES[kind]) for name, kind in table.columns.items()])
    pipe = Pipe()
    with ParquetWriter(pipe, schema) as writer:
        while some := list(islice(table.lines, _GROUP_LINES)):
            rows = [_row(table.columns, line) for line in some]
            writer.write_table(arrow.Table.from_pylist(rows, schema))
            yield pipe.taken()
    yield pipe.taken()


def _row(columns: Columns, line: Line) -> Line:
    return {
        name: read(value) if value is not None and (read := _READ.get(columns[name])) else value
        for name, value in line.items()
    }
