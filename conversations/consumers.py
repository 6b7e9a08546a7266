"""Watch one conversation over a websocket of its own."""

from uuid import UUID

from conversations.channels import ConversationChannel
from workflows.consumers import OneChannelSocket
from workflows.watching.cursor import Cursor


class ConversationConsumer(OneChannelSocket):
    """`ws/conversations/{id}/?after_execution=e&after=k`: first `conversation`, then its events.

    Executions under way at the start are told from their first event, but e only after k.
    """

    channel = ConversationChannel()

    def cursor(self) -> Cursor:
        """Nonsense is as good as nothing."""
        try:
            return Cursor(seen={UUID(self.query("after_execution")): self.number("after")})
        except ValueError:
            return Cursor()
