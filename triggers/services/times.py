"""What people may ask of time, and what the server allows."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from core.errors import Invalid
from triggers.cron import BadCron, UnknownZone, check_cron, check_zone
from triggers.timing import Timing

TIMES = frozenset(
    {"kind", "cron", "time_zone", "every_s", "run_at", "starts_at", "ends_at", "paused"}
)
LONGEST_S = 10 * 366 * 24 * 3600
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class InvalidSchedule(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "invalid_schedule"
    message = "There is no such time."


def timing_of(fields: Mapping[str, Any], now: datetime) -> Timing:
    """When a schedule with these fields is due."""
    return Timing(
        kind=fields["kind"],
        starts_at=fields.get("starts_at") or now,
        ends_at=fields.get("ends_at"),
        cron=fields.get("cron") or "",
        time_zone=fields.get("time_zone") or "UTC",
        every_s=fields.get("every_s") or 0,
        run_at=fields.get("run_at"),
    )


def check_times(fields: Mapping[str, Any], now: datetime) -> None:
    """Raises InvalidSchedule with every problem, also when it would never be due."""
    errors = [*_problems(fields)]
    if not errors and timing_of(fields, now).next(now) is None:
        errors.append(_problem("kind", "never_due", "None of its times is still to come."))
    if errors:
        raise InvalidSchedule(errors=errors)


def _problems(fields: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name in ("run_at", "starts_at", "ends_at"):
        if (at := fields.get(name)) is not None and not _EARLIEST <= at < _LATEST:
            yield _problem(name, "out_of_range", "A time lies between the years 2000 and 2200.")
    try:
        check_zone(fields.get("time_zone") or "UTC")
    except UnknownZone as error:
        yield _problem("time_zone", "unknown_zone", str(error))
    yield from _KINDS[fields["kind"]](fields)


def _cron_problems(fields: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    try:
        check_cron(fields.get("cron") or "")
    except BadCron as error:
        yield _problem("cron", "bad_cron", str(error))


def _interval_problems(fields: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    least = settings.CHATTER_TRIGGERS["min_interval_s"]
    if not least <= (fields.get("every_s") or 0) <= LONGEST_S:
        yield _problem("every_s", "bad_interval", f"An interval has {least} s to ten years.")


def _once_problems(fields: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if fields.get("run_at") is None:
        yield _problem("run_at", "required", "Say when it is to run.")


_KINDS = {"cron": _cron_problems, "interval": _interval_problems, "once": _once_problems}


def _problem(path: str, code: str, message: str) -> dict[str, str]:
    return {"path": path, "code": code, "message": message}
