"""Cron expressions over days on which clocks are changed, as people there read their clocks."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.cron import BadCron, UnknownZone, check_cron, cron_times, zone

CASES = [
    # A time that is left out comes as soon as the clocks have gone on, and once.
    ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29 03:00+0200", "30 02:30+0200"]),
    ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29 03:00+0200", "30 02:00+0200"]),
    ("30 2 * * *", "America/New_York", "2026-03-08T05:00", ["08 03:00-0400", "09 02:30-0400"]),
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["04 02:30+1100", "05 02:15+1100"]),
    ("0 0 * * *", "America/Santiago", "2026-09-05T12:00", ["06 01:00-0300", "07 00:00-0300"]),
    # A time that comes twice is run the first time only.
    ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["25 02:30+0200", "26 02:30+0100"]),
    ("30 1 * * *", "America/New_York", "2026-10-31T12:00", ["01 01:30-0400", "02 01:30-0500"]),
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T03:00", ["05 01:45+1100", "06 01:45+1030"]),
    # What goes by time that passes goes on through both.
    (
        "*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00",
        ["25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100"],
    ),
    ("0 * * * *", "Europe/Berlin", "2026-03-29T00:30", ["29 03:00+0200", "29 04:00+0200"]),
    (
        "30 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00",
        ["05 01:30+1100", "05 01:30+1030", "05 02:30+1030"],
    ),
    ("0 9 * * mon-fri", "Asia/Kolkata", "2026-06-05T00:00", ["05 09:00+0530", "08 09:00+0530"]),
    ("@daily", "Asia/Tokyo", "2026-06-05T00:00", ["06 00:00+0900", "07 00:00+0900"]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "where", "after", "expected"), CASES)
def test_the_clocks_may_change(expression, where, after, expected):
    here, begin = ZoneInfo(where), datetime.fromisoformat(after).replace(tzinfo=UTC)
    times = islice(cron_times(expression, here, begin), len(expected))
    assert [at.astimezone(here).strftime("%d %H:%M%z") for at in times] == expected


@given(
    st.sampled_from(["30 2 * * *", "*/20 * * * *", "0 */2 * * *", "5 1,2,3 * * *", "* 2 * * *"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - made UTC below
    st.integers(1, 400),
)
def test_times_do_not_depend_on_where_one_begins_to_count(expression, where, begin, skip):
    here, begin = zone(where), begin.replace(tzinfo=UTC)
    times = list(islice(cron_times(expression, here, begin), 60))
    assert times == sorted(set(times))
    assert times[0] > begin
    later = begin + timedelta(minutes=skip)
    known = [at for at in times if at > later]
    assert list(islice(cron_times(expression, here, later), len(known))) == known


@given(
    st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Cairo"]),
    st.integers(0, 23),
    st.integers(0, 59),
    st.dates(datetime(2020, 1, 1).date(), datetime(2030, 1, 1).date()),  # noqa: DTZ001
)
def test_a_time_of_day_comes_once_on_every_day(where, hour, minute, day):
    here = zone(where)
    begin = datetime(day.year, day.month, day.day, tzinfo=here) - timedelta(seconds=1)
    times = list(islice(cron_times(f"{minute} {hour} * * *", here, begin), 30))
    days = [at.astimezone(here).date() for at in times]
    assert days == [days[0] + timedelta(days=at) for at in range(30)]


@pytest.mark.parametrize(
    ("of_one", "same"),
    [
        ("0 9-9 * * *", "0 9 * * *"),
        ("05-5 9 * * *", "5 9 * * *"),
        ("5-5/2,7 9 * * *", "5,7 9 * * *"),
        ("0 9 * * Mon-mon", "0 9 * * 1"),
        ("0 0 1-1 2-2 *", "0 0 1 2 *"),
        ("0 9 * * 7-7", "0 9 * * 0"),
        ("0 9 * * mon-1", "0 9 * * 1"),
        ("0 9 * * 0-SUN", "0 9 * * 0"),
        ("0 9 1 jan-01 *", "0 9 1 1 *"),
    ],
)
def test_a_range_from_a_value_to_the_same_is_that_value(of_one, same):
    utc, begin = zone("UTC"), datetime(2026, 1, 1, tzinfo=UTC)
    times, expected = (list(islice(cron_times(one, utc, begin), 5)) for one in (of_one, same))
    assert times == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "* * * * * *", "61 * * * *", "0 0 31 2 *", "0 0 30 feb *", "H * * * *",
        "R(0-5) * * * *", "@reboot", "*/0 * * * *", "1,,2 * * * *", "x" * 200, "0 0 * * \u0661",
        "0 9 * * */tue", "0 9 1 jan/feb *", "0 9 * * mon#tue",
    ],
)  # fmt: skip
def test_what_is_no_cron_expression_or_never_comes_is_refused(text):
    with pytest.raises(BadCron):
        check_cron(text)


@given(st.text(alphabet="0123456789*/,-#L monfeb@", max_size=40))
def test_no_text_is_anything_but_an_expression_or_refused(text):
    try:
        check_cron(text)
    except BadCron:
        return
    assert next(cron_times(text, zone("UTC"), datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "\0"])
def test_a_zone_is_one_of_the_worlds(name):
    with pytest.raises(UnknownZone):
        zone(name)
