"""Filters of lists by the weekday and the hour that the clocks of a time zone showed."""

from datetime import UTC
from typing import Any, ClassVar

from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django_filters import rest_framework as filters

from core.spans import Zone

_IN_THE_WEEK = {"weekday": ExtractIsoWeekDay, "hour": ExtractHour}


def in_week(field: str, zone: Any) -> dict[str, Any]:
    """`weekday` (Monday is 1) and `hour` of an instant, as a database reckons them."""
    return {name: of(field, tzinfo=zone) for name, of in _IN_THE_WEEK.items()}


class OfTheWeek(filters.FilterSet):
    """A list of what has an instant, `happened_at`."""

    happened_at: ClassVar[str]

    weekday = filters.NumberFilter(
        method="in_the_week", min_value=1, max_value=7, help_text="On this day, Monday is 1."
    )
    hour = filters.NumberFilter(
        method="in_the_week", min_value=0, max_value=23, help_text="In this hour of a day."
    )
    zone = Zone(method="in_the_week", help_text="Whose weekdays and hours these are.")

    def in_the_week(self, rows: Any, name: str, value: Any) -> Any:
        if name == "zone":
            return rows
        told = in_week(self.happened_at, self.form.cleaned_data["zone"] or UTC)[name]
        return rows.alias(**{name: told}).filter(**{name: value})
