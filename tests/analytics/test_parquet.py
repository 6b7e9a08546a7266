"""Reports as Parquet files: what the other files hold, in types that can be computed with."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from pyarrow import Table, parquet
from rest_framework.test import APIClient

from accounts.models import User
from core import clock
from tests.analytics.files import body_of, pieces_of
from tests.analytics.past import lived
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory

pytestmark = pytest.mark.django_db
Door = Callable[[User], APIClient]
NAMES = ("executions", "models", "tools", "conversations", "users/{user}", "nodes")


@pytest.fixture
def addresses(
    api: Door, built_in: None, drain: Callable[[], None], alice: User, charlie: User
) -> dict[str, str]:
    """Of every export there is, after both have talked."""
    workflow = lived(api, drain, alice, charlie)
    found = {name: f"/api/v1/analytics/{name}/export/".format(user=alice.pk) for name in NAMES}
    return {**found, "nodes": f"/api/v1/definitions/{workflow}/analytics/export/"}


def parquet_of(client: APIClient, address: str, **query: str) -> Table:
    answer = client.get(address, {**query, "as": "parquet"})
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    return parquet.read_table(io.BytesIO(body_of(answer)))


def as_in_json(value: Any, told: Any) -> Any:
    """What JSON tells of an instant or of money, as the type it has here."""
    if isinstance(value, datetime):
        return datetime.fromisoformat(told)
    return Decimal(told) if isinstance(value, Decimal) else told


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_what_the_others_hold(
    api: Door, alice: User, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    at = clock.now()  # which is until when a report goes
    monkeypatch.setattr(clock, "now", lambda: at)
    client, address = api(alice), addresses[name]
    rows = parquet_of(client, address).to_pylist()
    lines = [*map(orjson.loads, body_of(client.get(address, {"as": "jsonl"})).splitlines())]
    assert lines
    assert [list(row) for row in rows] == [list(line) for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert row == {column: as_in_json(row[column], told) for column, told in line.items()}
        assert {type(value) for column, value in row.items() if column.endswith("at")} <= {datetime}


def test_an_empty_file_has_the_types_of_a_full_one(api: Door, addresses: dict[str, str]) -> None:
    nobody = User.objects.create_user("nobody", password="x")  # noqa: S106
    talker = User.objects.get(username="alice")
    for name in ("executions", "models", "tools", "conversations"):
        empty, full = (parquet_of(api(one), addresses[name]) for one in (nobody, talker))
        assert empty.schema == full.schema
        assert "null" not in map(str, empty.schema.types)


def test_money_is_exact_and_what_nobody_knows_is_null(api: Door, alice: User) -> None:
    for model, cost in (("dear", 999_999_999_999_999_999), ("cheap", 1), ("unknown", None)):
        exactness = "unpriced" if cost is None else "metered"
        CallFactory(user=alice, model=model, cost_nano_usd=cost, exactness=exactness)
    table = parquet_of(api(alice), "/api/v1/analytics/models/export/", by="model")
    assert {row["label"]: row["totals_cost"] for row in table.to_pylist()} == {
        "provider:dear": Decimal("999999999.999999999"),
        "provider:cheap": Decimal("0.000000001"),
        "provider:unknown": None,
    }


def test_a_day_of_a_zone_begins_and_ends_at_instants(api: Door, alice: User) -> None:
    at = datetime(2026, 3, 29, 12, tzinfo=UTC)  # that night, summer time begins in Berlin
    ToolCallFactory(user=alice, started_at=at, settled_at=at)
    query = {"from": "2026-03-29", "to": "2026-03-30", "zone": "Europe/Berlin", "step": "day"}
    (row,) = parquet_of(api(alice), "/api/v1/analytics/tools/export/", **query).to_pylist()
    assert row["at"] == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert row["until"] == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_it_is_sent_while_it_is_made(
    api: Door, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.reports.parquet._GROUP_LINES", 2)
    for number in range(5):
        ToolCallFactory(user=alice, tool=f"t{number}", started_at=clock.now())
    address = "/api/v1/analytics/tools/export/"
    pieces = pieces_of(api(alice).get(address, {"by": "tool", "as": "parquet"}))
    assert len(pieces) == 4  # three groups of rows, and the foot
    read = parquet.ParquetFile(io.BytesIO(b"".join(pieces))).metadata
    assert [read.row_group(at).num_rows for at in range(read.num_row_groups)] == [2, 2, 1]
