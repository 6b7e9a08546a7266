"""Days and months as a time zone has them, whatever its clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.periods import span_at

ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"]


@pytest.mark.parametrize(
    ("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)]
)
def test_a_day_is_as_long_as_clocks_make_it(day, hours):
    noon = datetime(*day, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    span = span_at("day", "Europe/Berlin", noon)
    assert span.ends_at - span.begins_at == timedelta(hours=hours)


def test_a_month_begins_at_its_first_midnight_there():
    span = span_at("month", "Europe/Berlin", datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    assert span.begins_at == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert span.ends_at == datetime(2027, 1, 31, 23, tzinfo=UTC)


def test_in_total_there_is_one_period_without_an_end():
    early, late = (
        span_at("total", "UTC", datetime(year, 5, 5, tzinfo=UTC)) for year in (2001, 2999)
    )
    assert early == late
    assert early.ends_at is None


@given(
    st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
    st.sampled_from(ZONES),
    st.sampled_from(["day", "month"]),
)
def test_every_instant_lies_in_one_period_and_the_next_follows_at_once(at, zone, period):
    span = span_at(period, zone, at)
    assert span.ends_at is not None
    assert span.begins_at <= at < span.ends_at
    assert span_at(period, zone, span.ends_at).begins_at == span.ends_at
    assert span_at(period, zone, span.begins_at) == span
    assert span_at(period, zone, span.ends_at - timedelta(microseconds=1)) == span
