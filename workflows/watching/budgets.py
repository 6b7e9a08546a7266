"""Sends budget warnings to the users they concern; read from the table whenever the bell rings."""

from functools import partial
from typing import Any
from uuid import UUID

from accounts.models import User
from budgets.selectors import reached_by
from core.events import Listener, bell
from workflows.watching.channels import Channel, Opening, Teller
from workflows.watching.cursor import Cursor
from workflows.watching.notices import WARNED, group_of
from workflows.watching.patience import patiently

_LOOKS_EVERY_S = 30.0


class BudgetsChannel(Channel):
    """Each threshold that is reached in a budget's present period, now or from now on.

    Who comes back is told again of what is reached then, so nothing is missed by being away.
    """

    key = "budgets"

    def check(self, user: User, pk: str) -> User:
        return user

    def open(self, user: User, pk: str, cursor: Cursor) -> Opening:
        return Opening({}, partial(_watch, user))


async def _watch(user: User, teller: Teller) -> None:
    """Until cancelled."""
    told: set[Any] = set()
    with Listener(bell, group_of(user.pk)) as listener:
        await listener.joined()
        while True:
            reached = {_key(one): one for one in await patiently(_reached, user.pk)}
            for key, said in reached.items():
                if key not in told:
                    await teller.drained()
                    teller.say({"type": WARNED, "data": said})
            told = set(reached)
            await listener.wait(_LOOKS_EVERY_S)


def _reached(user_id: UUID) -> list[dict[str, Any]]:
    """By what the user is now, which may not be what they were when they came."""
    return reached_by(User.objects.get(pk=user_id))


def _key(said: dict[str, Any]) -> Any:
    """What is news: of a cap that was changed, each threshold is."""
    return said["budget"], said["begins_at"], said["threshold"], said["cap"]
