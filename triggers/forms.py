"""The form of a schedule on its page: what people write, as the service takes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from accounts.models import User
from core import json_values
from core.form_fields import KeyField, ObjectField, once_of
from core.spans import zone_names
from triggers.cron import BadCron, UnknownZone, check_cron, zone
from triggers.models import Schedule, ScheduleKind
from triggers.timing import UNITS, in_units
from workflows.choices import parse_choice, value_of, workflows_to_run

TIMES = ("run_at", "starts_at", "ends_at")
_CLOCK = "%Y-%m-%dT%H:%M:%S"
_LOCAL = forms.DateTimeInput({"type": "datetime-local", "step": "1"})
_KINDS = [
    (ScheduleKind.CRON, "By a cron expression"),
    (ScheduleKind.INTERVAL, "Every so often"),
    (ScheduleKind.ONCE, "Once"),
]
_SUCH_AS = 'Such as {"name": "value"}.'
_MISFIRES = [
    ("skip", "Leave it out"),
    ("once", "Run once for all"),
    ("all", "Run each of them"),
]


class ScheduleForm(forms.Form):
    """Times are written as clocks of its time zone show them.

    `key` is of one page: what is sent with it twice is one schedule.
    """

    key = KeyField()
    name = forms.CharField(max_length=255)
    target = forms.ChoiceField(label="What runs")
    message = forms.CharField(
        required=False, strip=False, widget=forms.Textarea({"rows": 3}), max_length=100_000
    )
    kind = forms.ChoiceField(label="When", choices=_KINDS)
    cron = forms.CharField(
        label="Cron expression",
        required=False,
        max_length=100,
        widget=forms.TextInput({"placeholder": "0 9 * * mon-fri", "autocapitalize": "none"}),
        help_text="Minute, hour, day, month, weekday.",
    )
    every = forms.IntegerField(label="Every", required=False, min_value=1, max_value=10**6)
    unit = forms.ChoiceField(label="Unit", choices=[(one, one) for one in reversed(UNITS)])
    run_at = forms.CharField(label="At", required=False, widget=_LOCAL)
    time_zone = forms.CharField(
        label="Time zone", max_length=64, widget=forms.TextInput({"list": "time-zones"})
    )
    starts_at = forms.CharField(label="Not before", required=False, widget=_LOCAL)
    ends_at = forms.CharField(label="Not after", required=False, widget=_LOCAL)
    misfire = forms.ChoiceField(label="What comes too late", choices=_MISFIRES)
    grace_s = forms.IntegerField(
        label="Too late is more than … seconds", min_value=1, max_value=7 * 86_400
    )
    more = ObjectField(label="More input", help_text=f"{_SUCH_AS} The message is added to it.")
    parameters = ObjectField(help_text=_SUCH_AS)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        target: Any = self.fields["target"]
        target.choices = [("", "Choose …"), *workflows_to_run(user)]
        now = self.initial.get("target")
        if now and not target.valid_value(now):
            target.choices = [*target.choices, (now, "As it is")]

    @property
    def zones(self) -> list[str]:
        return sorted(name for name in zone_names() if name[0].isupper())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == ScheduleKind.CRON:
            try:
                check_cron(cleaned.get("cron") or "")
            except BadCron as error:
                self.add_error("cron", str(error))
        try:
            here = zone(cleaned.get("time_zone") or "UTC")
        except UnknownZone as error:
            self.add_error("time_zone", str(error))
            return cleaned
        saved = self.initial.get("saved", {})
        for name in TIMES:
            try:
                cleaned[name] = _instant(cleaned.get(name), here, saved.get(name))
            except (ValueError, OverflowError):
                self.add_error(name, "This is no time.")
        return cleaned

    def times(self) -> dict[str, Any]:
        """When it is due, as the service takes it."""
        given = self.cleaned_data
        every_s = (given.get("every") or 0) * UNITS[given.get("unit") or "minutes"]
        same = {name: given.get(name) or None for name in TIMES}
        return {
            **same,
            "kind": given["kind"],
            "cron": given.get("cron") or "",
            "time_zone": given.get("time_zone") or "UTC",
            "every_s": min(every_s, 2**31 - 1),
        }

    def given(self) -> dict[str, Any]:
        """All of it, as the service takes it."""
        told = self.cleaned_data
        text = told["message"].replace("\r\n", "\n")  # as browsers end lines
        message = {"message": text} if text else {}
        return {
            "name": json_values.plain_text(told["name"]),
            **parse_choice(told["target"]),
            "input": {**told["more"], **message},
            "parameters": told["parameters"],
            "misfire": told["misfire"],
            "grace_s": told["grace_s"],
            **self.times(),
        }

    def once(self) -> str:
        """Stands for this page and what was written on it; empty without a key."""
        return once_of(self.cleaned_data["key"], self.given())


def written(schedule: Schedule) -> dict[str, Any]:
    """A schedule as its form shows it; a message that is no text is an input like others."""
    more = dict(schedule.input)
    message = more.pop("message") if _is_text(more.get("message")) else ""
    here = zone(schedule.time_zone or "UTC")
    times = {name: getattr(schedule, name) for name in TIMES}
    local = {name: at.astimezone(here).strftime(_CLOCK) for name, at in times.items() if at}
    return {
        **local,
        "saved": times,
        "name": schedule.name,
        "target": value_of(schedule.target) if schedule.target else "",
        "message": message,
        "more": more,
        "parameters": schedule.parameters,
        "kind": schedule.kind,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "misfire": schedule.misfire,
        "grace_s": schedule.grace_s,
        **_every(schedule.every_s),
    }


BLANK: Mapping[str, Any] = {
    "kind": "cron",
    "cron": "0 9 * * *",
    "time_zone": "UTC",
    "unit": "minutes",
    "misfire": "skip",
    "grace_s": 60,
}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _instant(text: str | None, here: ZoneInfo, saved: datetime | None) -> datetime | None:
    """In UTC: two times of a zone that changes its clocks then are never equal.

    Where the clock shows what it shows of the saved one, that one: it tells no parts of a second,
    nor which of two equal times it is. A time that says how far from UTC it is needs no zone.
    """
    if not text:
        return None
    written = datetime.fromisoformat(text)
    if saved and saved.astimezone(here).replace(tzinfo=None, microsecond=0) == written:
        return saved
    return (written if written.tzinfo else written.replace(tzinfo=here)).astimezone(UTC)


def _every(seconds: int) -> dict[str, Any]:
    number, unit = in_units(seconds) if seconds else (None, "minutes")
    return {"every": number, "unit": unit}
