"""Filters of lists by what is measured: `started_after`, `started_before`, `min_latency_ms`."""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db.models import CharField as Text
from django.db.models.functions import Cast, Substr
from django.forms import CharField
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField

from core.models import made_since, made_until


@cache
def zone_names() -> frozenset[str]:
    """Without `localtime`, which is another on each machine, and which no browser knows."""
    return frozenset(available_timezones() - {"localtime"})


def zone_of(name: str) -> ZoneInfo:
    """Raises ValueError for what is the name of none."""
    if name not in zone_names():
        raise ValueError(name)
    return ZoneInfo(name)


def second(field: str) -> Substr:
    """An instant of a row to the second: text, which both databases give in UTC.

    To make objects of them takes longer than to read the rows.
    """
    return Substr(Cast(field, Text()), 1, len("2026-01-31 12:00:00"))


def second_text(at: datetime) -> str:
    """An instant as `second` has it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


class Instant(IsoDateTimeField):
    """One that is an instant of UTC, too; at the ends of the calendar some are none."""

    def to_python(self, value: Any) -> datetime | None:
        found: datetime | None = super().to_python(value)
        try:
            return found and found.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class After(filters.IsoDateTimeFilter):
    """From then on."""

    field_class = Instant

    def __init__(self, field: str) -> None:
        super().__init__(field_name=field, lookup_expr="gte", help_text="From this instant on.")


class Before(filters.IsoDateTimeFilter):
    """Earlier than that."""

    field_class = Instant

    def __init__(self, field: str) -> None:
        super().__init__(field_name=field, lookup_expr="lt", help_text="Before this instant.")


class MadeAfter(After):
    """Of the instant a row was made."""

    def filter(self, rows: Any, value: Any) -> Any:
        return super().filter(rows.filter(made_since(value)) if value else rows, value)


class MadeBefore(Before):
    """Of the instant a row was made, or of a later one."""

    def filter(self, rows: Any, value: Any) -> Any:
        return super().filter(rows.filter(made_until(value)) if value else rows, value)


class AtLeast(filters.NumberFilter):
    """So much or more; 0 matches every row in which it is known."""

    def __init__(self, field: str) -> None:
        super().__init__(
            field_name=field, lookup_expr="gte", min_value=0, help_text="At least so much."
        )


class _ZoneField(CharField):
    def clean(self, value: Any) -> Any:
        name = super().clean(value)
        try:
            return zone_of(name) if name else None
        except ValueError as error:
            told = "This is not the name of a time zone, such as Europe/Paris."
            raise ValidationError(told, code="unknown_zone") from error


class Zone(filters.CharFilter):
    """The name of a time zone."""

    field_class = _ZoneField
