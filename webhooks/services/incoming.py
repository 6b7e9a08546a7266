"""Incoming webhooks: created and changed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.record import record
from webhooks.mapping import checked_mapping
from webhooks.models import HookMode, IncomingWebhook, SignatureStyle
from webhooks.services.signed import (
    BadWebhook,
    action,
    checked_name,
    made_before,
    set_fields,
    target,
)
from webhooks.signing import new_secret


@transaction.atomic
def create_incoming(  # noqa: PLR0913 - its fields
    *,
    owner: User,
    name: str,
    definition: UUID | str | None = None,
    template: str | None = None,
    mapping: Mapping[str, str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    mode: str = HookMode.BACKGROUND,
    signature: str = SignatureStyle.STANDARD,
    once: str = "",
) -> IncomingWebhook:
    """A new door, open at once; with the same `once` as one that was made before, that one.

    Raises BadWebhook, BadMapping, DefinitionNotFound, TemplateNotFound, TooManyWebhooks.
    """
    runs, runs_template = target(owner, definition, template)
    if runs is None and runs_template is None:
        raise BadWebhook(reason="Name the definition or the template that it runs.")
    if (before := made_before(IncomingWebhook, owner, once)) is not None:
        return before
    made = IncomingWebhook.objects.create(
        owner=owner,
        name=checked_name(name),
        definition=runs,
        template=runs_template,
        mapping=checked_mapping(mapping or {}),
        parameters=dict(parameters or {}),
        mode=mode,
        signature=signature,
        secret=new_secret(),
        once=once,
    )
    record(
        action(made, "created"),
        actor=owner,
        target=made,
        detail={
            "definition": str(made.definition_id or ""),
            "template": str(made.template_id or ""),
        },
        personal={"name": made.name},
    )
    return made


@transaction.atomic
def change_incoming(hook: IncomingWebhook, *, by: User, **changes: Any) -> IncomingWebhook:
    """Set what is given; what it runs stays. Raises BadWebhook, BadMapping, WebhookNotFound."""
    if "name" in changes:
        changes["name"] = checked_name(changes["name"])
    if "mapping" in changes:
        changes["mapping"] = checked_mapping(changes["mapping"])
    set_fields(hook, changes, by=by)
    return hook
