"""What a user is told live beside the events of executions: at the commit, to who listens then.

Nothing of it is kept here: what must not be missed is a webhook, an audit entry, or looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.db import transaction

from budgets.models import Budget
from budgets.selectors import concerned_by
from core.events import Listener, bell
from workflows.models import WorkflowExecution

if TYPE_CHECKING:
    from workflows.watching.channels import Teller

WARNED = "budget.warned"
_LOOKS_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Notice:
    """`text` is the JSON of what is said, with its `type`."""

    text: str


def notify_budgets(warned: Sequence[tuple[Budget, Mapping[str, Any]]]) -> None:
    """Of budgets of which so much is used: to those whom they concern."""
    notices: dict[str, list[Notice]] = {}
    for budget, said in warned:
        notice = _notice(WARNED, said)
        for user_id in concerned_by(budget):
            notices.setdefault(group_of(user_id), []).append(notice)
    transaction.on_commit(partial(bell.ring, notices))


def notify_refused(execution: WorkflowExecution, said: Mapping[str, Any]) -> None:
    """Of an execution that was not begun, for want of room: to whose it would have been."""
    notices = {group_of(execution.user_id): [_notice("execution.refused", said)]}
    transaction.on_commit(partial(bell.ring, notices))


async def tell_notices(user_id: UUID, teller: "Teller") -> None:
    """Say what this user is told from now on, until cancelled."""
    with Listener(bell, group_of(user_id), read=Notice) as listener:
        while True:
            for notice in await listener.wait(_LOOKS_EVERY_S):
                await teller.drained()
                teller.say(orjson.loads(notice.text))


def _notice(kind: str, said: Mapping[str, Any]) -> Notice:
    return Notice(orjson.dumps({"type": kind, "data": said}).decode())


def group_of(user_id: UUID) -> str:
    return f"notices.{user_id}"
