"""One turn: a question is saved and a workflow started; its reply is saved when the run ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Self
from uuid import UUID

from accounts.models import User
from audit.record import entry
from conversations.models import Conversation, Message, Role
from conversations.querysets import ConversationQuerySet
from conversations.services.routing import plan_turn
from conversations.signals import messages_recorded
from core import clock
from core.bulk import insert_gathered, insert_rows, update_rows
from core.errors import Conflict, NotFound
from core.prepared import PreparedQuery
from workflows.engine.request import ExecutionRequest
from workflows.models import ExecutionKind, WorkflowExecution
from workflows.services.executions import start_execution
from workflows.services.planning import StartPlan, plan_before, plan_execution
from workflows.services.reruns import RETRIED, RerunRequest, plan_rerun, refuse_stranger
from workflows.tracking.facts import Audited, Fact

_TITLE_CHARACTERS = 60


class ConversationNotFound(NotFound):
    code = "conversation_not_found"
    message = "There is no such conversation, or it is not yours."


class ConversationBusy(Conflict):
    code = "conversation_busy"
    message = "An earlier message of this conversation is still being answered."


class NothingToRetry(Conflict):
    code = "nothing_to_retry"
    message = "This execution answers no message that is still there."


class AnswererGone(Conflict):
    code = "target_gone"
    message = "The template that answered this has been deleted."


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said, and how it is to be answered; `refuse_when_busy` else waits its turn."""

    user: User
    execution: UUID  # the id it is to have
    message: str
    request_id: str
    conversation: UUID | None = None
    template: str = ""
    definition: UUID | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    refuse_when_busy: bool = False
    idempotency_key: str = ""
    request_hash: str = ""
    cause: str = "api"
    debug: bool = False


@dataclass(slots=True)
class Started:
    """The rows of a turn just begun, or begun before under the same idempotency key."""

    execution: WorkflowExecution
    conversation: Conversation
    question: Message
    template: str | None


@dataclass(slots=True)
class QuestionAsked(Fact):
    """A user's message, in a new conversation or in one that goes on."""

    rank: ClassVar[int] = 25
    conversation: Conversation
    question: Message
    new: bool

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        insert_rows(Conversation, [vars(fact.conversation) for fact in facts if fact.new])
        update_rows(
            Conversation,
            [
                {
                    "id": fact.conversation.id,
                    "turn_count": fact.question.turn,
                    "updated_at": fact.question.created_at,
                }
                for fact in facts
                if not fact.new
            ],
        )
        rows = [vars(fact.question) for fact in facts]
        insert_gathered(Message, rows)
        messages_recorded.send(sender=Message, messages=rows)


async def start_turn(turn: Turn) -> Started:
    """Save the message and start its execution, in one transaction.

    Raises ConversationNotFound, ConversationBusy, and what `plan_execution` raises.
    """
    started: list[Started] = []

    def prepare() -> StartPlan:
        plan, begun = _plan(turn)
        started[:] = [begun]
        return plan

    await start_execution(prepare)
    return started[0]


def _plan(turn: Turn) -> tuple[StartPlan, Started]:
    new = turn.conversation is None
    conversation = (
        _new_conversation(turn) if new else conversation_for(turn.user, turn.conversation)
    )
    free = new or not _busy(conversation)
    number = conversation.turn_count + (0 if new else 1)
    request = _request(turn, conversation, number, free)
    if turn.refuse_when_busy and not free and plan_before(turn.user, request) is None:
        raise ConversationBusy
    plan = plan_turn(turn.user, request)
    if plan.existing:
        return plan, _started_before(turn.user, plan)
    question = Message(
        conversation=conversation,
        turn=number,
        role=Role.USER,
        text=turn.message,
        execution_id=plan.execution.id,
    )
    plan.facts.append(QuestionAsked(conversation, question, new))
    return plan, Started(plan.execution, conversation, question, plan.template)


def _request(turn: Turn, conversation: Conversation, number: int, free: bool) -> ExecutionRequest:
    return ExecutionRequest(
        id=turn.execution,
        user_id=turn.user.id,
        request_id=turn.request_id,
        kind=ExecutionKind.CHAT,
        input={"message": turn.message},
        template=turn.template,
        definition=turn.definition,
        parameters=turn.parameters,
        cause=turn.cause,
        debug=turn.debug,
        serial_key=conversation.serial_key,
        serial_number=number,
        free=free,
        idempotency_key=turn.idempotency_key,
        request_hash=turn.request_hash,
    )


def _new_conversation(turn: Turn) -> Conversation:
    return Conversation(
        owner=turn.user,
        title=title_from(turn.message),
        turn_count=1,
        updated_at=clock.now(),
    )


def title_from(message: str) -> str:
    """A conversation is called by the first line said in it; no model is asked for a name."""
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return line if len(line) <= _TITLE_CHARACTERS else line[: _TITLE_CHARACTERS - 1].rstrip() + "…"


def conversation_for(user: User, pk: UUID | str | None) -> Conversation:
    """One conversation of this user. Raises ConversationNotFound."""
    try:
        found = _seen.rows(user.pk, UUID(str(pk)))
    except ValueError as error:
        raise ConversationNotFound from error
    if not found:
        raise ConversationNotFound
    return found[0]


def _of(user_id: UUID, conversation_id: UUID) -> ConversationQuerySet:
    return Conversation.objects.visible_to(User(pk=user_id)).filter(pk=conversation_id)


_seen: PreparedQuery[Conversation] = PreparedQuery(_of, ids=2)


def _busy(conversation: Conversation) -> bool:
    series = WorkflowExecution.objects.filter(serial_key=conversation.serial_key)
    return series.under_way().exists()


def _started_before(user: User, plan: StartPlan) -> Started:
    questions = Message.objects.visible_to(user).select_related("conversation")
    question = questions.filter(execution=plan.execution, role=Role.USER).first()
    if question is None:
        raise ConversationNotFound
    return Started(plan.execution, question.conversation, question, plan.template)


async def retry_execution(
    user: User, execution: WorkflowExecution, wanted: RerunRequest, *, by: User | None = None
) -> StartPlan:
    """Try an execution again: from the node that failed.

    One that answers a message of a conversation answers it again, all anew if nothing had failed.
    `by` is who has it done in the user's name, which the audit trail is told. Raises
    NotYourExecution, NothingToRetry, ConversationBusy, AnswererGone, and what `plan_rerun` and
    `plan_execution` raise.
    """
    in_turn = execution.serial_key.startswith("conversation:")
    retried = partial(_plan_retry if in_turn else plan_rerun, user, execution, wanted)

    def plan() -> StartPlan:
        planned = retried()
        if by is not None:
            act = entry("workflows.execution.retried", actor=by, target=execution)
            planned.facts.append(Audited(act))
        return planned

    return await start_execution(plan)


def _plan_retry(user: User, execution: WorkflowExecution, wanted: RerunRequest) -> StartPlan:
    refuse_stranger(user, execution)
    conversation = conversation_for(user, execution.serial_key.removeprefix("conversation:"))
    request = _again(user, execution, wanted)
    busy = _busy(conversation)  # looked at first: this very request may be what keeps it so
    if (existing := plan_before(user, request)) is not None:
        return existing
    question = Message.objects.filter(
        conversation=conversation, turn=execution.serial_number, role=Role.USER
    ).first()
    if question is None or not execution.over:
        raise NothingToRetry
    if busy:
        raise ConversationBusy
    if execution.status not in RETRIED:
        if not (request.template or request.definition):  # nothing named is a plain chat
            raise AnswererGone
        return plan_execution(user, request)
    in_turn = replace(
        wanted, serial_key=execution.serial_key, serial_number=execution.serial_number
    )
    return plan_rerun(user, execution, in_turn)


def _again(user: User, execution: WorkflowExecution, wanted: RerunRequest) -> ExecutionRequest:
    """What was asked for, of what is published now; where an experiment chose, of what it chose."""
    exposure = getattr(execution, "exposure", None)
    return ExecutionRequest(
        id=wanted.id,
        user_id=user.id,
        request_id=wanted.request_id,
        kind=ExecutionKind.CHAT,
        input=execution.input,
        template=str(execution.template_id or ""),
        definition=execution.definition_id,
        version=execution.version_id if exposure else None,
        declared=exposure.variant.declared if exposure else None,
        parameters=execution.parameters,
        cause="retry",
        serial_key=execution.serial_key,
        serial_number=execution.serial_number,
        retry_of=execution.id,
        debug=execution.debug if wanted.debug is None else wanted.debug,
        idempotency_key=wanted.idempotency_key,
        request_hash=wanted.request_hash,
    )
