"""Watch one conversation over a websocket: the log of every execution in it."""

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import Q

from conversations.api.shapes import conversation_out
from conversations.models import Conversation
from conversations.services.turns import conversation_for
from core.database import database
from core.events import Listener, bell
from core.sockets import WatchConsumer
from workflows.consumers import watcher
from workflows.models import WorkflowExecution
from workflows.tracking.frames import Frame, group_of
from workflows.tracking.log import read_log


class ConversationConsumer(WatchConsumer):
    """`ws/conversations/{id}/?after_execution=e&after=k`: first `conversation`, then its events.

    Executions under way at the start are told from their first event, but e only after k.
    """

    async def stream(self) -> AsyncIterator[str]:
        user = await watcher(self)
        pk = self.scope["url_route"]["kwargs"]["pk"]
        conversation = await database.run(conversation_for, user, pk)
        follower = Follower(conversation)
        if resumed := self.query("after_execution"):
            follower.resume(resumed, self.number("after"))
        with Listener(bell, group_of(conversation.serial_key)) as listener:
            under_way = await database.run(follower.begin)
            yield _snapshot(conversation, under_way)
            frames: Iterable[Frame] = await database.run(follower.read)
            while True:
                for frame in frames:
                    yield frame.text
                handed = await listener.wait(settings.CHATTER_POLL_S)
                frames = follower.take(handed)
                if not handed or follower.missed:
                    frames = [*frames, *await database.run(follower.read)]


class Follower:
    """How far each execution of a conversation was told."""

    def __init__(self, conversation: Conversation) -> None:
        self._series = WorkflowExecution.objects.filter(serial_key=conversation.serial_key)
        self._seen: dict[UUID, int] = {}
        self._over: set[UUID] = set()
        self._since: UUID | None = None
        self.missed = False

    def resume(self, execution: str, after: int) -> None:
        """Go on after the event `after` of this execution; nonsense is as good as nothing."""
        try:
            self._seen[UUID(execution)] = after
        except ValueError:
            return

    def begin(self) -> list[UUID]:
        """Note where to start: what is under way now, and all that comes later."""
        under_way = list(self._series.under_way().order_by("id").values_list("id", flat=True))
        latest = self._series.order_by("-id").values_list("id", flat=True).first()
        for execution_id in under_way:
            self._seen.setdefault(execution_id, 0)
        self._since = latest
        return under_way

    def take(self, handed: Iterable[Frame]) -> list[Frame]:
        """Of what was handed over, that which comes next; `missed` says something is lacking."""
        taken = []
        self.missed = False
        for frame in handed:
            seen = self._seen.get(frame.execution_id, 0)
            if frame.seq == seen + 1:
                self._note(frame)
                taken.append(frame)
            elif frame.seq > seen:
                self.missed = True
        return taken

    def read(self) -> list[Frame]:
        """Everything that was not told, from the log."""
        open_ones = [one for one in self._seen if one not in self._over]
        wanted = Q(id__in=open_ones)
        if self._since is not None:
            wanted |= Q(id__gt=self._since)
        else:
            wanted |= Q(id__isnull=False)
        frames: list[Frame] = []
        for execution_id in self._series.filter(wanted).order_by("id").values_list("id", flat=True):
            if execution_id not in self._over:
                frames += read_log(execution_id, self._seen.get(execution_id, 0))
        for frame in frames:
            self._note(frame)
        return frames

    def _note(self, frame: Frame) -> None:
        self._seen[frame.execution_id] = frame.seq
        if frame.last:
            self._over.add(frame.execution_id)


def _snapshot(conversation: Conversation, under_way: list[UUID]) -> str:
    body = {
        "type": "conversation",
        "conversation": conversation_out(conversation).to_json(),
        "running": [str(execution_id) for execution_id in under_way],
    }
    return orjson.dumps(body).decode()
