"""Filters of lists by time, as `started_after` and `started_before`."""

from django_filters import rest_framework as filters


class After(filters.IsoDateTimeFilter):
    """From then on."""

    def __init__(self, field: str) -> None:
        super().__init__(field_name=field, lookup_expr="gte", help_text="From this instant on.")


class Before(filters.IsoDateTimeFilter):
    """Earlier than that."""

    def __init__(self, field: str) -> None:
        super().__init__(field_name=field, lookup_expr="lt", help_text="Before this instant.")
