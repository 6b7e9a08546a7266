"""Who may use which tools, until when, at what hours and how often."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from core.models import EditableRecord, Record
from core.spans import zone_names
from tools.querysets import GrantQuerySet

EVERY_TOOL = "*"
SCOPE = "scope:"


def is_time_zone(name: str) -> None:
    if name not in zone_names():
        raise ValidationError("There is no time zone of this name; an example is Europe/Berlin.")


class ToolGrant(EditableRecord):
    """A rule for a user, a group, or (with neither) everyone; a refusing one outweighs the others.

    `tool` is a tool's key, "*", or "scope:" and a scope. `from_time` and `to_time` are a window of
    the day in `time_zone`, which may reach over midnight; outside it the rule does not hold.
    `calls_per_hour` is for each person, counted from full hour to full hour.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="+")
    tool = models.CharField(max_length=64)
    allow = models.BooleanField(default=True, help_text="Off: this rule refuses.")
    expires_at = models.DateTimeField(null=True, blank=True)
    from_time = models.TimeField(null=True, blank=True)
    to_time = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[is_time_zone])
    calls_per_hour = models.PositiveIntegerField(null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["tool", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(group__isnull=True),
                name="tools_grant_for_user_or_group",
                violation_error_message="Name a user or a group, not both.",
            ),
            models.CheckConstraint(
                condition=Q(from_time__isnull=True, to_time__isnull=True)
                | Q(
                    ~Q(from_time=F("to_time")),
                    from_time__isnull=False,
                    to_time__isnull=False,
                ),
                name="tools_grant_window_has_both_ends",
                violation_error_message="Give both ends of the hours, not the same, or neither.",
            ),
            models.CheckConstraint(
                condition=Q(calls_per_hour__isnull=True) | Q(allow=True),
                name="tools_only_what_is_allowed_is_limited",
                violation_error_message="A rule that refuses has no number of calls.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.who} {'may' if self.allow else 'may not'} use {self.tool}"

    @property
    def who(self) -> Any:
        """The user or the group, which must be loaded, or everyone."""
        return self.user or self.group or "everyone"

    def holds_at(self, now: datetime) -> bool:
        """Whether `now` lies in its hours."""
        if self.from_time is None or self.to_time is None:
            return True
        time = now.astimezone(ZoneInfo(self.time_zone)).time()
        if self.from_time < self.to_time:
            return self.from_time <= time < self.to_time
        return time >= self.from_time or time < self.to_time


class GrantUse(Record):
    """How often someone has used a limited grant in the hour that began at `hour`."""

    grant = models.ForeignKey(ToolGrant, models.CASCADE, related_name="uses")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["grant", "user"], name="tools_one_use_per_grant"),
        ]

    def __str__(self) -> str:
        return f"{self.calls} since {self.hour}"
