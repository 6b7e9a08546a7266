"""Begin, rename, archive and delete conversations."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.changes import tell_changed
from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import record
from conversations.history import forget_summaries, summary_before
from conversations.models import Conversation, Message, Role
from conversations.services.turns import title_from
from core import clock
from core.errors import Conflict, NotFound
from workflows.models import WorkflowExecution


class ConversationUnderWay(Conflict):
    code = "conversation_under_way"
    message = "A message of this conversation is still being answered; stop it first."


@transaction.atomic
def create_conversation(*, owner: User, title: str) -> Conversation:
    """A conversation without messages."""
    conversation = Conversation.objects.create(owner=owner, title=title)
    record("conversations.conversation.created", actor=owner, target=conversation)
    return conversation


@transaction.atomic
def change_conversation(conversation: Conversation, *, by: User, **changes: Any) -> Conversation:
    """Set its title, or whether it is archived. Raises NotFound if somebody has deleted it."""
    conversation = _locked(conversation)
    before = {name: getattr(conversation, name) for name in changes}
    if before != changes:
        for name, value in changes.items():
            setattr(conversation, name, value)
        conversation.save(update_fields=[*changes, "updated_at"])
        told = changes_for_audit(before, changes, personal=("title",))
        record("conversations.conversation.changed", actor=by, target=conversation, **told)
    return conversation


@transaction.atomic
def delete_conversation(conversation: Conversation, *, by: User) -> None:
    """Delete it with its messages; the ledger stays.

    Raises ConversationUnderWay, and NotFound if somebody else has done it.
    """
    conversation = _idle(conversation)
    record("conversations.conversation.deleted", actor=by, target=conversation)
    conversation.delete()
    tell_changed(conversation.owner_id)


def message_for(user: User, conversation: str, pk: str) -> Message:
    """One message of a conversation of this user. Raises NotFound."""
    messages = Message.objects.visible_to(user).select_related("conversation")
    try:
        found: Message = messages.get(pk=pk, conversation=conversation)
    except (Message.DoesNotExist, ValidationError, ValueError) as error:
        raise NotFound from error
    return found


@transaction.atomic
def delete_message(message: Message, *, by: User) -> None:
    """Delete one message; the conversation's totals lose what it counted, the ledger nothing.

    All summaries that tell of it go with it, back to the one before, and a title that was made of
    it. Raises ConversationUnderWay, and NotFound if somebody else has done it.
    """
    conversation = _idle(message.conversation)
    if not Message.objects.filter(pk=message.pk).exists():
        raise NotFound
    record("conversations.message.deleted", actor=by, target=message)
    message.delete()
    forget_summaries(conversation.serial_key, message.turn)
    if message.turn <= conversation.summary_through:
        summary, through = summary_before(conversation.serial_key, message.turn, clock.now())
        conversation.summary, conversation.summary_through = summary, through
    if message.role == Role.USER and conversation.title == title_from(message.text):
        conversation.title = ""
    conversation.save(update_fields=["summary", "summary_through", "title"])


def _idle(conversation: Conversation) -> Conversation:
    """As it is now; no turn of it begins meanwhile. Raises NotFound, ConversationUnderWay."""
    found = _locked(conversation)
    series = WorkflowExecution.objects.filter(serial_key=conversation.serial_key)
    if series.under_way().exists():
        raise ConversationUnderWay
    return found


def _locked(conversation: Conversation) -> Conversation:
    """As it is now, until the transaction ends. Raises NotFound."""
    found = Conversation.objects.select_for_update().filter(pk=conversation.pk).first()
    if found is None:
        raise NotFound
    return found
