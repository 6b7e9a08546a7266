"""Filters of lists by time, as `started_after` and `started_before`."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField


class _Instant(IsoDateTimeField):
    """One that is an instant of UTC, too; at the ends of the calendar some are none."""

    def to_python(self, value: Any) -> datetime | None:
        found: datetime | None = super().to_python(value)
        try:
            return found and found.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class After(filters.IsoDateTimeFilter):
    """From then on."""

    field_class = _Instant

    def __init__(self, field: str) -> None:
        super().__init__(field_name=field, lookup_expr="gte", help_text="From this instant on.")


class Before(filters.IsoDateTimeFilter):
    """Earlier than that."""

    field_class = _Instant

    def __init__(self, field: str) -> None:
        super().__init__(field_name=field, lookup_expr="lt", help_text="Before this instant.")
