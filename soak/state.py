"""What the database holds: `python -m soak.state` prints it as JSON.

`tables`: rows and bytes of each, indexes and long texts included. `totals`: the sum of each kept
number, and of what it is kept of. How many executions are `under_way`, how many `failed`. With
"vacuum" on standard input, room that is free is given back first.
"""

import json
import sys
from typing import Any

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Sum  # noqa: E402

from core.aggregates import GROUPS  # noqa: E402
from workflows.models import WorkflowExecution  # noqa: E402

_BYTES = {
    "postgresql": "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'",
    "sqlite": "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m "
    "ON m.name = s.name GROUP BY 1",
}
_VACUUM = {"postgresql": "VACUUM FULL ANALYZE", "sqlite": "VACUUM"}


def main() -> None:
    with connection.cursor() as cursor:
        if json.load(sys.stdin) == "vacuum":
            cursor.execute(_VACUUM[connection.vendor])
        cursor.execute(_BYTES[connection.vendor])
        sizes = dict(cursor.fetchall())
    rows = {
        model._meta.db_table: model._base_manager.count()
        for model in apps.get_models(include_auto_created=True)
    }
    tables = {name: (count, int(sizes[name])) for name, count in rows.items()}
    executions = WorkflowExecution.objects.all()
    state = {
        "tables": tables,
        "totals": _totals(),
        "under_way": executions.under_way().count(),
        "failed": executions.filter(status="failed").count(),
    }
    sys.stdout.write(json.dumps(state) + "\n")


def _totals() -> dict[str, int]:
    totals: dict[str, Any] = {}
    for group in GROUPS:
        for one in group.aggregates:
            totals[f"{group.parent_model._meta.label}.{one.into}"] = _sum(
                group.parent_model, one.into
            )
            if one.of:
                totals[f"{group.model._meta.label}.{one.of}"] = _sum(group.model, one.of)
    return totals


def _sum(model: Any, column: str) -> int:
    return int(model._base_manager.aggregate(sum=Sum(column))["sum"] or 0)


if __name__ == "__main__":
    main()
