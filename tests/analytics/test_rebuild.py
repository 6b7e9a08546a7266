"""`manage.py rebuild_rollups`, as an upgrade runs it."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from analytics.models import ModelRollup
from analytics.rollups.folding import fold
from analytics.rollups.histogram import merged, pack
from analytics.rollups.recount import rollup_differences
from tests.factories.accounts import UserFactory
from tests.factories.llms import CallFactory

START = datetime(2026, 3, 28, 21, 30, tzinfo=UTC)


def killed_while_it_writes(days: int) -> Callable[..., Any]:
    """Ends it when it comes to the rows of that many days."""
    left = days

    def run(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal left
        if 'INTO "analytics_modelrollup"' in sql:
            left -= 1
            if not left:
                raise KeyboardInterrupt
        return execute(sql, *rest)

    return run


@pytest.mark.django_db
@pytest.mark.parametrize("days", [1, 2, 3])
def test_rollups_that_an_interrupted_upgrade_did_not_finish_are_made_at_the_next_start(days):
    user = UserFactory()
    for day in range(3):
        CallFactory(user=user, started_at=START + timedelta(days=day))
    fold()
    ModelRollup.objects.all().delete()  # as of a release that had none
    with (
        connection.execute_wrapper(killed_while_it_writes(days)),
        pytest.raises(KeyboardInterrupt),
    ):
        call_command("rebuild_rollups", if_empty=True, stdout=StringIO())
    call_command("rebuild_rollups", if_empty=True, stdout=StringIO())
    assert list(rollup_differences()) == []


@pytest.mark.django_db
def test_rollups_of_a_release_that_had_none_by_status_are_made_anew_at_the_next_start():
    CallFactory(user=UserFactory(), started_at=START)
    fold()
    ModelRollup.objects.filter(dimension="status").delete()
    for _ in range(2):
        out = StringIO()
        call_command("rebuild_rollups", if_empty=True, stdout=out)
        assert list(rollup_differences()) == []
    assert not out.getvalue()


@pytest.mark.django_db
def test_a_spread_that_an_earlier_release_packed_in_its_way_is_no_difference():
    user = UserFactory()
    for latency_ms in range(10):
        CallFactory(user=user, started_at=START, latency_ms=latency_ms)
    fold()
    for row in ModelRollup.objects.all():
        held = dict(merged([bytes(row.latency_histogram)]).items())
        row.latency_histogram = as_pairs(held)
        assert row.latency_histogram != pack(held)
        row.save()
    assert list(rollup_differences()) == []
    ModelRollup.objects.update(latency_histogram=as_pairs({0: 11}))
    assert {one.number for one in rollup_differences()} == {
        "analytics.ModelRollup.latency_histogram"
    }


def as_pairs(held: dict[int, int]) -> bytes:
    """Buckets and their counts, however close they are."""
    return struct.pack(f"<BH{len(held)}H{len(held)}I", 2, 0, *held, *held.values())
