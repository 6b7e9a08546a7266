"""What stands in the columns of a file: told by the shapes that its lines are made from."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

from core.shapes import Shape

Line = dict[str, Any]
# The type of each column; any value may be null. Times and money are texts in a line, as in JSON.
Columns = Mapping[str, type]
TIMES: Columns = {"at": datetime, "until": datetime}


def columns_of(shape: type[Shape], before: str = "") -> dict[str, type]:
    """Flat, as `flat` makes the values: a shape within becomes a column for each of its own."""
    columns: dict[str, type] = {}
    for name, field in shape.model_fields.items():
        kind: Any = next(iter(get_args(field.annotation)), field.annotation)
        if issubclass(kind, Shape):
            columns |= columns_of(kind, f"{before}{name}_")
        else:
            columns[before + name] = Decimal if name.endswith("cost") else kind
    return columns


def flat(numbers: Line, before: str = "") -> Line:
    line: Line = {}
    for name, value in numbers.items():
        if isinstance(value, dict):
            line |= flat(value, f"{before}{name}_")
        else:
            line[before + name] = value
    return line
