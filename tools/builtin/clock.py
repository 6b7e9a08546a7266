"""What time it is, anywhere."""

from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from core import clock
from core.spans import zone_names
from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class ClockArgs(ToolArgs):
    time_zone: str = Field(
        default="UTC", max_length=64, description="IANA name, such as Europe/Berlin."
    )
    at: AwareDatetime | None = Field(
        default=None, description="An ISO 8601 instant with its offset to convert; default: now."
    )


class Clock(Tool[ClockArgs]):
    key = "clock"
    label = "Clock"
    description = (
        "Tells the current date and time in a time zone, or what a given instant is there."
    )
    args = ClockArgs

    async def call(self, args: ClockArgs, context: ToolContext) -> ToolResult:
        there = _in_zone(args.at or clock.now(), args.time_zone)
        iso, weekday = there.isoformat(timespec="seconds"), _WEEKDAYS[there.weekday()]
        return ToolResult(
            text=f"{weekday}, {iso} ({args.time_zone})",
            data={
                "iso": iso,
                "weekday": weekday,
                "time_zone": args.time_zone,
                "unix": int(there.timestamp()),
            },
        )


def _in_zone(instant: datetime, name: str) -> datetime:
    if name not in zone_names():
        raise ToolFailed(reason=f"There is no time zone '{name}'. An example is Asia/Tokyo.")
    try:
        return instant.astimezone(ZoneInfo(name))
    except OverflowError as error:
        raise ToolFailed(reason="There is no such date there.") from error
