"""Something is delivered: is it genuine, is it new, and what does it start?"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.models import Outcome
from audit.record import record
from core import clock
from core.bulk import insert_rows
from core.database import database
from core.errors import ChatterError, Conflict, Invalid, NotAuthenticated, NotFound, TooMany
from core.json_values import plain_text
from core.models import new_id
from webhooks.mapping import mapped, payload_of, readable_headers
from webhooks.models import DeliveryOutcome, IncomingWebhook, SignatureStyle, WebhookDelivery
from webhooks.signing import is_genuine, is_genuine_as_github, new_secret
from webhooks.throttling import count_delivery, is_worth_a_word
from workflows.engine.request import ExecutionRequest
from workflows.models import WorkflowExecution
from workflows.services.executions import start_execution
from workflows.services.planning import StartPlan, plan_execution, plan_existing
from workflows.tracking.facts import Fact

_LONGEST_ID = 255
_LONGEST_REASON = 500
_LONGEST_TIME = 12
_NOBODYS = new_secret()


class HookNotFound(NotFound):
    """Unknown, switched off, or its owner may not log in any more: told apart for nobody."""

    code = "hook_not_found"
    message = "There is no such webhook."


class BadSignature(NotAuthenticated):
    """Not genuine, too old, or nothing that could be either: told apart for nobody."""

    code = "hook_bad_signature"
    message = "The signature is not genuine, or not of now."


class TooManyDeliveries(TooMany):
    code = "too_many_deliveries"


class NoDeliveryId(Invalid):
    code = "hook_no_delivery_id"
    message = "A delivery has an id of 1 to 255 printable characters."


class DeliveryReused(Conflict):
    code = "hook_delivery_reused"
    message = "This id was delivered with another body."


class DeliveryForgotten(Conflict):
    code = "hook_delivery_forgotten"
    message = "What this delivery started has been deleted."


class CannotStart(Conflict):
    """Why is for the owner to know, who finds it with the delivery."""

    code = "hook_cannot_start"
    message = "The workflow of this webhook cannot be started now."


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came, as it came."""

    public_id: str
    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    request_id: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def id_for(self, hook: IncomingWebhook) -> str:
        github = hook.signature == SignatureStyle.GITHUB
        return self.headers.get("X-GitHub-Delivery" if github else "webhook-id", "")


@dataclass(slots=True)
class DeliveryTaken(Fact):
    """A delivery that starts an execution, of which it is the cause."""

    rank: ClassVar[int] = 22
    row: dict[str, Any]

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        insert_rows(WebhookDelivery, [fact.row for fact in facts])


def admit(delivered: Delivered) -> IncomingWebhook:
    """The hook it is for, once it is known to be genuine.

    What is not, enters the audit trail, a few a minute. Raises HookNotFound, BadSignature,
    NoDeliveryId, TooManyDeliveries.
    """
    hooks = IncomingWebhook.objects.filter(owner__is_active=True, enabled=True)
    hook = hooks.select_related("owner").filter(public_id=delivered.public_id).first()
    genuine = _is_genuine(hook, delivered)  # takes its time for nobody's too
    if hook is None:
        raise HookNotFound
    if not genuine:
        _note_forgery(hook, delivered)
        raise BadSignature
    told = delivered.id_for(hook)
    if not 1 <= len(told) <= _LONGEST_ID or not told.isprintable():
        raise NoDeliveryId
    if (wait_s := count_delivery(hook.id)) is not None:
        raise TooManyDeliveries(retry_after_s=wait_s)
    return hook


async def start_delivery(
    hook: IncomingWebhook, delivered: Delivered, execution_id: UUID
) -> StartPlan:
    """Start what the hook runs, for its owner and within the owner's limits; once per delivery id.

    Raises DeliveryReused, DeliveryForgotten, CannotStart, TooMany, and what the mapping raises;
    all but the first two are kept with the delivery.
    """
    try:
        return await start_execution(partial(_plan, hook, delivered, execution_id))
    except (DeliveryReused, DeliveryForgotten):
        raise
    except ChatterError as error:
        await database.run(_note_refusal, hook, delivered, error)
        if isinstance(error, TooMany | Invalid) and error.code.startswith(_TOLD):
            raise
        raise CannotStart from error


_TOLD = ("webhook_", "too_many_")


def _plan(hook: IncomingWebhook, delivered: Delivered, execution_id: UUID) -> StartPlan:
    if (before := _started_before(hook, delivered)) is not None:
        return plan_existing(before)
    request = ExecutionRequest(
        id=execution_id,
        user_id=hook.owner_id,
        request_id=delivered.request_id,
        input=_input(hook, delivered),
        template=str(hook.template_id or ""),
        definition=hook.definition_id,
        parameters=hook.parameters,
        cause="webhook",
    )
    plan = plan_execution(hook.owner, request)
    row = {**_row(hook, delivered, DeliveryOutcome.STARTED), "execution_id": execution_id}
    cause = ("webhook", hook.id, row["delivery_id"])
    return replace(plan, facts=[*plan.facts, DeliveryTaken(row)], cause=cause)


def _started_before(hook: IncomingWebhook, delivered: Delivered) -> WorkflowExecution | None:
    """What this delivery started. Raises DeliveryReused, DeliveryForgotten."""
    taken = WebhookDelivery.objects.filter(hook=hook, outcome=DeliveryOutcome.STARTED)
    found = taken.filter(delivery_id=delivered.id_for(hook)).select_related("execution").first()
    if found is None:
        return None
    if found.digest != delivered.digest:
        raise DeliveryReused
    if found.execution is None:
        raise DeliveryForgotten
    return found.execution


def _input(hook: IncomingWebhook, delivered: Delivered) -> dict[str, Any]:
    content_type = delivered.headers.get("content-type", "")
    return mapped(
        hook.mapping,
        {
            "payload": payload_of(delivered.body, content_type),
            "headers": readable_headers(delivered.headers),
            "query": _plain_query(delivered.query),
        },
    )


def _plain_query(query: Mapping[str, str]) -> dict[str, str]:
    return {plain_text(name): plain_text(value) for name, value in query.items()}


def _is_genuine(hook: IncomingWebhook | None, delivered: Delivered) -> bool:
    known = hook.secrets_at(clock.now()) if hook is not None else [_NOBODYS]
    headers = delivered.headers
    if hook is not None and hook.signature == SignatureStyle.GITHUB:
        told = headers.get("x-hub-signature-256", "")
        return is_genuine_as_github(known, told, delivered.body)
    timestamp, now = _seconds(headers.get("webhook-timestamp", "")), clock.now().timestamp()
    told, message_id = headers.get("webhook-signature", ""), headers.get("webhook-id", "")
    genuine = is_genuine(known, told, message_id, timestamp, delivered.body)
    return genuine and abs(now - timestamp) <= settings.WEBHOOK_TOLERANCE_S


def _seconds(text: str) -> int:
    """A time since 1970; what is none is long ago."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_TIME else 0


def _note_forgery(hook: IncomingWebhook, delivered: Delivered) -> None:
    """A flood of them does not flood the audit trail."""
    if not is_worth_a_word(hook.id):
        return
    with transaction.atomic():
        row = _row(hook, delivered, DeliveryOutcome.FORGED)
        WebhookDelivery.objects.create(**row, code=BadSignature.code)
        record("webhooks.delivery.refused", target=hook, outcome=Outcome.DENIED)


def _note_refusal(hook: IncomingWebhook, delivered: Delivered, error: ChatterError) -> None:
    row = _row(hook, delivered, DeliveryOutcome.REFUSED)
    reason = error.in_one_line[:_LONGEST_REASON]
    WebhookDelivery.objects.create(**row, code=error.code, reason=reason)


def _row(hook: IncomingWebhook, delivered: Delivered, outcome: str) -> dict[str, Any]:
    told = delivered.id_for(hook)[:_LONGEST_ID]
    return {
        "id": new_id(),
        "hook_id": hook.id,
        "delivery_id": told if told.isprintable() else "",
        "digest": delivered.digest,
        "outcome": str(outcome),
    }
