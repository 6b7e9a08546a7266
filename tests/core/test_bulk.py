"""Rows written in one go, few of them or many: each database takes its own way."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from analytics.models import ExecutionRollup, RollupPart
from audit.guards import lift_guards
from audit.models import AuditEntry
from core.bulk import insert_gathered, insert_rows, inserts_gathered, take_rows

AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def rollup(number: int) -> dict[str, Any]:
    return {
        "id": UUID(int=number),
        "grain": "hour",
        "subject": f"a\tb\nc\\N é {number}",
        "starts_at": AT,
        "cost_nano_usd": 2**60 + number,
        "duration_min": None,
        "duration_histogram": bytes(range(256)),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 50])
def test_rows_are_read_as_they_were_written(count: int) -> None:
    rows = [rollup(number) for number in range(count)]
    insert_rows(ExecutionRollup, rows)
    kept = ExecutionRollup.objects.order_by("pk").values(*rows[0])
    assert [{**row, "duration_histogram": bytes(row["duration_histogram"])} for row in kept] == rows
    assert set(ExecutionRollup.objects.values_list("whose", "call_count")) == {("", 0)}


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 50])
def test_json_is_read_as_it_was_written(count: int) -> None:
    facts = [[1, "a\tb\\", None, {"é": [True, 1.5]}]]
    insert_rows(RollupPart, [{"kind": "executions", "facts": facts}] * count)
    assert list(RollupPart.objects.values_list("facts", "sign")) == [(facts, 1)] * count


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 50])
def test_numbers_of_more_than_64_bits_are_kept_beside_ids_and_instants(count: int) -> None:
    rows = [
        {"id": UUID(int=number), "at": AT, "action": "a", "hash": "", "detail": {"n": 2**70}}
        for number in range(count)
    ]
    insert_rows(AuditEntry, rows)
    assert list(AuditEntry.objects.order_by("pk").values(*rows[0])) == rows


@pytest.mark.django_db
@pytest.mark.parametrize("count", [2, 50])
def test_of_rows_that_may_not_be_none_is_kept(count: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(ExecutionRollup, [rollup(number % (count - 1)) for number in range(count)])
    assert not ExecutionRollup.objects.exists()


def gather(count: int) -> None:
    insert_gathered(ExecutionRollup, [rollup(number) for number in range(count)])
    insert_gathered(RollupPart, [{"kind": "executions", "facts": [[1, "é", None]]}] * count)
    insert_gathered(AuditEntry, [{"id": UUID(int=1), "at": AT, "action": "a", "hash": ""}])
    insert_gathered(RollupPart, [{"kind": "tool_calls", "facts": [[2]]}])


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 50])
def test_rows_that_are_gathered_are_there_at_the_end_as_they_were_written(
    count: int, django_assert_num_queries: Any
) -> None:
    statements = 1 if connection.vendor == "postgresql" else 2 + bool(count)
    with django_assert_num_queries(statements), inserts_gathered():
        gather(count)
    rows = [rollup(number) for number in range(count)]
    kept = ExecutionRollup.objects.order_by("pk").values(*rollup(0))
    assert [{**row, "duration_histogram": bytes(row["duration_histogram"])} for row in kept] == rows
    parts = [("executions", [[1, "é", None]], 1)] * count + [("tool_calls", [[2]], 1)]
    assert sorted(RollupPart.objects.values_list("kind", "facts", "sign")) == parts
    assert list(AuditEntry.objects.values_list("pk", "at", "detail")) == [(UUID(int=1), AT, {})]


@pytest.mark.django_db
def test_rows_that_are_gathered_within_others_are_there_with_them() -> None:
    with inserts_gathered():
        with inserts_gathered():
            gather(1)
        assert not ExecutionRollup.objects.exists()
    assert ExecutionRollup.objects.exists()


@pytest.mark.django_db
def test_of_rows_that_are_gathered_none_is_kept_when_an_error_comes_between() -> None:
    with pytest.raises(KeyError), inserts_gathered():
        gather(2)
        raise KeyError
    assert not RollupPart.objects.exists()
    insert_gathered(RollupPart, [{"kind": "executions", "facts": []}])  # at once, as before
    assert RollupPart.objects.exists()


@pytest.mark.django_db
def test_of_rows_that_are_gathered_none_is_kept_when_one_may_not_be() -> None:
    insert_rows(AuditEntry, [{"id": UUID(int=1), "at": AT, "action": "a", "hash": ""}])
    with pytest.raises(IntegrityError), transaction.atomic(), inserts_gathered():
        gather(2)
    assert not RollupPart.objects.exists()
    assert not ExecutionRollup.objects.exists()


@pytest.mark.django_db
def test_rows_that_are_taken_are_the_first_as_they_were_written_and_are_gone() -> None:
    rows = [
        {"id": UUID(int=number), "at": AT, "action": "a", "hash": "", "detail": {"n": [number]}}
        for number in (3, 1, 2)
    ]
    insert_rows(AuditEntry, rows)
    lift_guards(connection, "DELETE")
    taken = take_rows(AuditEntry, 2)
    assert [{name: row[name] for name in rows[0]} for row in taken] == [rows[1], rows[2]]
    assert AuditEntry.objects.get().pk == UUID(int=3)
