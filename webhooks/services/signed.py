"""What is done alike to both kinds of webhooks: whose workflow, which secret, how many."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import entry, record, record_many
from core import clock
from core.errors import Conflict, Invalid, NotFound
from core.json_values import plain_text, same
from webhooks.models import WebhookMessage
from webhooks.models.signed import Signed, mark_of
from webhooks.signing import new_secret
from workflows.models import WorkflowDefinition, WorkflowTemplate
from workflows.services.definitions import definition_for
from workflows.services.targets import template_called

MOST = 50
_LONGEST_NAME = 100
_WORDS = ("name", "mapping", "parameters")  # where people write what they like
_SECRETS = ("secret", "previous_secret", "previous_until")
_SECRET = ("url",)  # what follows the host may be a key
S = TypeVar("S", bound=Signed)


class WebhookNotFound(NotFound):
    code = "webhook_not_found"
    message = "There is no such webhook, or it is not yours."


class TooManyWebhooks(Conflict):
    code = "too_many_webhooks"
    message = "You have {most} of these already; delete one first."


class SecretChanged(Conflict):
    code = "webhook_secret_changed"
    message = "Its secret was changed since this was shown; look again before you change it."


class BadWebhook(Invalid):
    code = "bad_webhook"
    message = "{reason}"


def signed_for(kind: type[S], user: User, pk: UUID | str) -> S:
    """One of this user's own. Raises WebhookNotFound."""
    try:
        found: S = kind.objects.visible_to(user).for_list().get(pk=pk)
    except (kind.DoesNotExist, ValidationError, ValueError) as error:
        raise WebhookNotFound from error
    return found


def action(signed: Signed, verb: str) -> str:
    return f"webhooks.{signed._meta.model_name}.{verb}"


def checked_name(name: str) -> str:
    """Raises BadWebhook."""
    name = plain_text(name).strip()
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise BadWebhook(reason=f"A name has 1 to {_LONGEST_NAME} characters.")
    return name


def target(
    owner: User, definition: UUID | str | None, template: str | None
) -> tuple[WorkflowDefinition | None, WorkflowTemplate | None]:
    """The workflow that is named. Raises DefinitionNotFound, TemplateNotFound, BadWebhook."""
    if definition and template:
        raise BadWebhook(reason="Name a definition or a template, not both.")
    return (
        definition_for(owner, definition) if definition else None,
        template_called(template, owner) if template else None,
    )


def made_before(kind: type[S], owner: User, once: str) -> S | None:
    """What the same form has made; without it there is room for one. Raises TooManyWebhooks."""
    User.objects.select_for_update().get(pk=owner.pk)  # of two at once one waits and counts both
    if once and (before := kind.objects.filter(owner=owner, once=once).first()) is not None:
        return before
    if kind.objects.visible_to(owner).count() >= MOST:
        raise TooManyWebhooks(most=MOST)
    return None


@transaction.atomic
def rotate_secret(signed: S, *, by: User, overlap_s: int, seen: str | None = None) -> S:
    """A new secret; the one before counts for `overlap_s` seconds more.

    Of two at once the second keeps what the first showed. `seen` is the mark of the secret that is
    to be changed: where that was done already, nothing more is. Raises WebhookNotFound,
    SecretChanged.
    """
    now = clock.now()
    try:
        hold(signed, _SECRETS)
    except ImproperlyConfigured:  # no known key opens them, so neither counts
        signed.secret = signed.previous_secret = ""
    if seen is not None and seen != signed.secret_mark:
        if seen not in map(mark_of, signed.secrets_at(now)):
            raise SecretChanged
        return signed
    overlaps = bool(overlap_s and signed.secret)
    signed.previous_secret = signed.secret if overlaps else ""
    signed.previous_until = now + timedelta(seconds=overlap_s) if overlaps else None
    signed.secret = new_secret()
    signed.save(update_fields=[*_SECRETS, "updated_at"])
    record(action(signed, "rotated"), actor=by, target=signed, detail={"overlap_s": overlap_s})
    return signed


def hold(signed: Signed, fields: Collection[str]) -> None:
    """Read these again and hold it, in the caller's transaction. Raises WebhookNotFound."""
    kind = type(signed)
    try:
        signed.refresh_from_db(fields=fields, from_queryset=kind.objects.select_for_update())
    except kind.DoesNotExist as error:
        raise WebhookNotFound from error


@transaction.atomic
def delete_signed(signed: Signed, *, by: User) -> None:
    """It goes with all that was delivered. Raises WebhookNotFound."""
    messages = WebhookMessage.objects.filter(endpoint=signed.pk).select_for_update().order_by("pk")
    list(messages.values_list("pk"))  # before the endpoint, as who settles one locks them
    hold(signed, ("name",))
    one = entry(action(signed, "deleted"), actor=by, target=signed, personal={"name": signed.name})
    signed.delete()
    record_many([one])


def set_fields(signed: Signed, changes: dict[str, Any], *, by: User) -> None:
    """Save what changed and tell the audit trail which fields; nothing where nothing differs.

    In the caller's transaction. Raises WebhookNotFound.
    """
    names = [*changes, "updated_at"]
    hold(signed, names)
    before = {name: getattr(signed, name) for name in changes}
    if all(same(before[name], value) for name, value in changes.items()):
        return
    for name, value in changes.items():
        setattr(signed, name, value)
    signed.save(update_fields=names)
    told = changes_for_audit(before, changes, personal=_WORDS, secret=_SECRET)
    record(action(signed, "changed"), actor=by, target=signed, **told)
