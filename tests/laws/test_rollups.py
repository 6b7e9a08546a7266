"""Rollups equal a recount at any moment, whatever happens to the rows they are made of."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from analytics.models import ExecutionRollup, ModelRollup, RollupPart, ToolRollup
from analytics.rollups.facts import KINDS
from analytics.rollups.folding import fold
from analytics.rollups.histogram import (
    Row,
    bucket_of,
    counted,
    merged,
    middle_of,
    pack,
    percentile,
    percentiles,
)
from analytics.rollups.recount import rollup_differences
from llms.models import ModelCall
from tests.factories.accounts import UserFactory
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory
from tests.laws.histories import undone
from tools.models import ToolCall

ROLLUPS = (ExecutionRollup, ModelRollup, ToolRollup)
lawful = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
START = datetime(2026, 3, 28, 21, 30, tzinfo=UTC)
few = st.integers(0, 2)
milliseconds = st.one_of(st.none(), st.integers(0, 100), st.integers(0, 10**8))
steps = st.one_of(
    st.tuples(st.just("model_call"), few, st.integers(0, 30), milliseconds, milliseconds),
    st.tuples(st.just("model_call"), few, st.integers(0, 30), milliseconds, milliseconds),
    st.tuples(st.just("tool_call"), few, st.integers(0, 30), milliseconds),
    st.tuples(st.just("delete_model_call"), st.integers(0, 99)),
    st.tuples(st.just("delete_tool_call"), st.integers(0, 99)),
    st.tuples(st.just("delete_user"), few),
    st.tuples(st.just("fold")),
)


class Ledger:
    """Calls of three users over a night, and what becomes of them."""

    def __init__(self) -> None:
        self.users = [UserFactory() for _ in range(3)]

    def model_call(self, who: int, hour: int, latency: int | None, first: int | None) -> None:
        CallFactory(
            user=self.users[who],
            model=f"model-{who % 2}",
            started_at=START + timedelta(hours=hour),
            latency_ms=latency,
            first_token_ms=first,
            cost_nano_usd=None if first is None else first,
            exactness="unpriced" if first is None else "metered",
        )

    def tool_call(self, who: int, hour: int, latency: int | None) -> None:
        ToolCallFactory(
            user=self.users[who],
            status="failed" if hour % 3 == 0 else "succeeded",
            started_at=START + timedelta(hours=hour),
            latency_ms=latency,
        )

    def delete_model_call(self, at: int) -> None:
        if rows := list(ModelCall.objects.order_by("pk")):
            rows[at % len(rows)].delete()

    def delete_tool_call(self, at: int) -> None:
        if rows := list(ToolCall.objects.order_by("pk")):
            rows[at % len(rows)].delete()

    def delete_user(self, who: int) -> None:
        User.objects.get(pk=self.users[who].pk).delete()
        self.users[who] = UserFactory()

    def fold(self) -> None:
        fold()


def kept() -> list[dict[str, Any]]:
    fold()
    return [
        {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row}
        for rollup in ROLLUPS
        for row in map(dict.items, rollup.objects.order_by("pk").values())
    ]


@pytest.mark.django_db
@given(st.lists(steps, min_size=2, max_size=8))
@lawful
def test_rollups_equal_a_recount_at_any_moment(history: list[tuple[Any, ...]]) -> None:
    with undone():
        ledger = Ledger()
        for name, *given_ in history:
            getattr(ledger, name)(*given_)
            assert list(rollup_differences()) == []
        before = kept()
        assert not RollupPart.objects.exists()
        call_command("rebuild_rollups", stdout=StringIO())
        assert kept() == before


@pytest.mark.django_db
@given(st.lists(steps, min_size=2, max_size=8), st.integers(0, 999), st.integers(0, 99))
@lawful
def test_a_number_that_was_changed_is_found(
    history: list[tuple[Any, ...]], which: int, column: int
) -> None:
    with undone():
        ledger = Ledger()
        ledger.model_call(0, 1, 5, 5)
        for name, *given_ in history:
            getattr(ledger, name)(*given_)
        fold()
        if not (rows := [row for rollup in ROLLUPS for row in rollup.objects.order_by("pk")]):
            return
        row = rows[which % len(rows)]
        name = row.SUMS[column % len(row.SUMS)]
        type(row).objects.filter(pk=row.pk).update(**{name: getattr(row, name) + 1})
        found = [one.number.rpartition(".")[2] for one in rollup_differences()]
        assert found == [name]
        for kind in KINDS:
            call_command("rebuild_rollups", kind, stdout=StringIO())
        assert list(rollup_differences()) == []


@given(st.lists(st.integers(0, 10**12), min_size=1), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_of_a_histogram_is_at_most_a_64th_off(values: list[int], share: float) -> None:
    histogram: dict[int, int] = {}
    for value in values:
        histogram[bucket_of(value)] = histogram.get(bucket_of(value), 0) + 1
    packed = merged([pack(histogram)])
    assert dict(packed.items()) == histogram
    exact = sorted(values)[max(int(-(-len(values) * share // 1)), 1) - 1]
    told = percentile(packed, share)
    assert told is not None
    assert abs(told - exact) * 64 <= exact


@given(st.lists(st.integers(0, 5_000), min_size=1), st.integers(0, 64))
def test_percentiles_are_found_together_as_one_by_one(values: list[int], spike: int) -> None:
    """Of counts as they are packed and of a mapping, whether or not it is known how many."""
    histogram = counted([*values, *[spike] * len(values)], 1)
    row, shares = merged([pack(histogram)]), (0.01, 0.5, 0.5, 0.95, 0.99, 1.0)
    one_by_one = [percentile(histogram, share) for share in shares]
    assert percentiles(row, shares) == percentiles(histogram, shares) == one_by_one
    assert percentiles(row, shares, 2 * len(values)) == one_by_one
    assert percentiles({}, shares) == percentiles(Row(), shares) == []


def test_every_bucket_stands_for_a_number_of_its_own() -> None:
    buckets = range(2_000)
    assert [bucket_of(middle_of(bucket)) for bucket in buckets] == list(buckets)
