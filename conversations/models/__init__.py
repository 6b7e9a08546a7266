"""The tables of conversations."""

from conversations.models.conversation import Conversation
from conversations.models.message import Message, MessageStatus, Role

__all__ = ["Conversation", "Message", "MessageStatus", "Role"]
