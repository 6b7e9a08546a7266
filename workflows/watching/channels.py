"""The channels one can subscribe to: who may, the first message, and what follows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User
from workflows.models import WorkflowExecution
from workflows.selectors import execution_for
from workflows.tracking.frames import group_of_user
from workflows.watching.cursor import Cursor
from workflows.watching.logs import ExecutionLog, Log, SeriesLog
from workflows.watching.notices import tell_notices
from workflows.watching.positions import Positions
from workflows.watching.staying import first_of
from workflows.watching.subscription import Sink, Subscription


class Teller(Sink, Protocol):
    """Where everything of one subscription goes."""

    def say(self, body: dict[str, Any]) -> None:
        """Tell what is no event."""


@dataclass(frozen=True, slots=True)
class Opening:
    """`snapshot` is said first. `watch` tells all that follows and returns when nothing does.

    It gives the body of the last word, or None when there is none. `close` lets go of what is held
    for it, in any case and however often.
    """

    snapshot: dict[str, Any]
    watch: Callable[[Teller], Coroutine[Any, Any, dict[str, Any] | None]]
    close: Callable[[], None] = lambda: None


class Channel(ABC):
    """One class for each kind of thing, named in `CHATTER_CHANNELS`; stateless."""

    key: ClassVar[str]
    named: ClassVar[bool] = False  # whether a subscription says which one

    @abstractmethod
    def check(self, user: User, pk: str) -> Any:
        """What this user may watch. Raises NotFound. Asked again when something has changed."""

    @abstractmethod
    def open(self, user: User, pk: str, cursor: Cursor) -> Opening:
        """In a database step. Raises NotFound."""


class ExecutionChannel(Channel):
    """The events of one execution, and then `end`."""

    key, named = "execution", True

    def check(self, user: User, pk: str) -> WorkflowExecution:
        return execution_for(user, pk)

    def open(self, user: User, pk: str, cursor: Cursor) -> Opening:
        execution = self.check(user, pk)
        return Opening({}, partial(watch_to_its_end, execution.id, cursor.after))


async def watch_to_its_end(execution_id: UUID, after: int, teller: Teller) -> dict[str, Any]:
    """Tell what follows that event of one execution; gives the last word."""
    positions = Positions({execution_id: after})
    subscription = Subscription(ExecutionLog(execution_id), positions, teller)
    await subscription.run()
    return end_of(execution_id, subscription.seq or after)


def end_of(execution_id: UUID, seq: int) -> dict[str, Any]:
    return {"type": "end", "execution": str(execution_id), "seq": seq}


class UserChannel(Channel):
    """The events of all executions of whoever asks, from now on or from where they were.

    And notices of what else is theirs.
    """

    key = "user"

    def check(self, user: User, pk: str) -> User:
        return user

    def open(self, user: User, pk: str, cursor: Cursor) -> Opening:
        rows = WorkflowExecution.objects.filter(user=user)
        source = SeriesLog(group_of_user(user.pk), rows)
        positions = source.after(cursor) or source.present()

        async def watch(teller: Teller) -> None:
            await first_of(watch_on(source, positions, teller), tell_notices(user.pk, teller))

        return Opening(running(source), watch)


def running(source: SeriesLog) -> dict[str, Any]:
    return {"running": [str(one) for one in source.under_way()]}


async def watch_on(source: Log, positions: Positions, teller: Teller) -> None:
    """Tell all that happens, until cancelled."""
    await Subscription(source, positions, teller).run()


@lru_cache(maxsize=1)
def channels() -> dict[str, Channel]:
    """All that settings name, by key."""
    made = [import_string(path)() for path in settings.CHATTER_CHANNELS]
    return {one.key: one for one in made}
