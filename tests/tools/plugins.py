"""Tools as third parties write them, good and bad."""

import asyncio
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import field_validator

from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult


class Nothing(ToolArgs):
    pass


class Pair(ToolArgs):
    first: int
    second: int = 2


class Place(ToolArgs):
    zone: str

    @field_validator("zone")
    @classmethod
    def _is_one(cls, zone: str) -> str:
        if zone == "nowhere":
            raise ToolFailed(reason="Nobody knows what time it is nowhere.")
        return ZoneInfo(zone).key


class Counting(Tool[Pair]):
    """Counts how often it was really called."""

    key = "counting"
    label = "Counting"
    description = "Adds two numbers."
    args = Pair
    calls: ClassVar[list[ToolContext]] = []

    async def call(self, args: Pair, context: ToolContext) -> ToolResult:
        self.calls.append(context)
        return ToolResult(str(args.first + args.second), {"sum": args.first + args.second})


class Slow(Tool[Nothing]):
    key = "slow"
    label = "Slow"
    description = "Takes its time."
    scopes = ("waiting",)
    timeout_s = 0.05
    args = Nothing
    ended: ClassVar[list[str]] = []

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        try:
            await asyncio.sleep(30)
        finally:
            self.ended.append("stopped")
        return ToolResult("late")


class Broken(Tool[Nothing]):
    key = "broken"
    label = "Broken"
    description = "Has a bug."
    args = Nothing

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        raise RuntimeError("password=hunter2")


class Impatient(Broken):
    """Its own timeout is not ours."""

    key = "impatient"

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        raise TimeoutError("of the tool's own")


class Exiting(Broken):
    """Some libraries end the process where they should raise."""

    key = "exiting"

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        raise SystemExit("password=hunter2")


class Abandoned(Broken):
    """Some libraries cancel what they started, and let it be seen."""

    key = "abandoned"

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        raise asyncio.CancelledError("password=hunter2")


class Choosy(Tool[Place]):
    """Looks its arguments up itself, and not every error of that is one of values."""

    key = "choosy"
    label = "Choosy"
    description = "Tells the time in a place."
    args = Place

    async def call(self, args: Place, context: ToolContext) -> ToolResult:
        return ToolResult(args.zone)


class Speechless(Broken):
    key = "speechless"

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        raise ToolFailed


class Unable(Broken):
    key = "unable"

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        raise ToolFailed(reason="The moon is in the wrong phase: {odd}.")


class Excessive(Broken):
    """Gives what no row can hold, as `what` says."""

    key = "excessive"
    what: ClassVar[Any] = None

    async def call(self, args: Nothing, context: ToolContext) -> ToolResult:
        return ToolResult("see data", self.what)


PLUGINS = [
    f"tests.tools.plugins.{one.__name__}"
    for one in (
        *(Counting, Slow, Broken, Impatient, Exiting, Abandoned, Unable, Excessive),
        *(Choosy, Speechless),
    )
]
