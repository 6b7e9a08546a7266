"""How SQLite finds the rows that it is asked for: by which index, or by a look at all there are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model


@contextmanager
def plans(model: type[Model]) -> Iterator[list[str]]:
    """Collects the steps of all statements inside that go through rows of this model.

    PostgreSQL chooses by how many rows there are, and in tests there are few.
    """
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has statistics to choose by")
    steps: list[str] = []
    table = model._meta.db_table

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if table in sql and not many:
            execute(f"EXPLAIN QUERY PLAN {sql}", params, many, context)
            told = [step for *_, step in context["cursor"].fetchall()]
            names = {table, *re.findall(rf'"{table}" (\w+)', sql)}  # such as "U0" in a subquery
            steps.extend(step for step in told if step.split()[1] in names)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        yield steps
