"""Refuses to overwrite what somebody else has changed meanwhile: rows that count their changes."""

from typing import Any

from django.db.models import QuerySet

from core.errors import ChatterError


def locked_row(
    rows: QuerySet[Any],
    pk: Any,
    revision: int | None,
    *,
    missing: ChatterError,
    changed: type[ChatterError],
) -> Any:
    """The row as it is now, locked until the transaction ends.

    Raises `missing`, and `changed` (told the row's revision) if it is no longer at `revision`.
    """
    found = rows.select_for_update(of=("self",)).filter(pk=pk).first()
    if found is None:
        raise missing
    if revision is not None and revision != found.revision:
        raise changed(revision=found.revision)
    return found


def save_row(row: Any) -> None:
    """Write a locked row as its next revision."""
    row.revision += 1
    row.save()
