"""Subscribe to a conversation: the log of every execution in it."""

from functools import partial

from accounts.models import User
from conversations.api.shapes import conversation_out
from conversations.models import Conversation
from conversations.services.turns import conversation_for
from workflows.models import WorkflowExecution
from workflows.tracking.frames import group_of
from workflows.watching.channels import Channel, Opening, running, watch_on
from workflows.watching.cursor import Cursor
from workflows.watching.logs import SeriesLog


class ConversationChannel(Channel):
    """What is under way is told from its first event, or from where the client was."""

    key, named = "conversation", True

    def check(self, user: User, pk: str) -> Conversation:
        return conversation_for(user, pk)

    def open(self, user: User, pk: str, cursor: Cursor) -> Opening:
        conversation = self.check(user, pk)
        key = conversation.serial_key
        source = SeriesLog(group_of(key), WorkflowExecution.objects.filter(serial_key=key))
        positions = source.after(cursor) or source.from_the_first()
        told = {"conversation": conversation_out(conversation).to_json(), **running(source)}
        return Opening(told, partial(watch_on, source, positions))
