"""Outgoing endpoints: created, changed, pinged, switched off."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from audit.record import record
from core.addresses import AllowList
from webhooks.models import WebhookEndpoint, WebhookMessage
from webhooks.models.outgoing import EVENTS, STAFF_EVENTS, MessageType
from webhooks.services.notifying import message_row
from webhooks.services.signed import (
    BadWebhook,
    action,
    checked_name,
    hold,
    made_before,
    set_fields,
    target,
)
from webhooks.signing import new_secret
from workflows.validation.addresses import BadAddress, check_address

_LONGEST_URL = 2_000
_UNFAILED = {"failures": 0, "failing_since": None}
_BEHIND_HOST = re.compile(r"[/?#]")


@transaction.atomic
def create_endpoint(
    *,
    owner: User,
    name: str,
    url: str,
    events: Sequence[str] = EVENTS,
    replays: bool = False,
    definition: UUID | str | None = None,
    template: str | None = None,
    once: str = "",
) -> WebhookEndpoint:
    """A new address, told from now on; with the same `once` as one that was made before, that one.

    Raises BadWebhook, DefinitionNotFound, TemplateNotFound, TooManyWebhooks.
    """
    only, only_template = target(owner, definition, template)
    if (before := made_before(WebhookEndpoint, owner, once)) is not None:
        return before
    made = WebhookEndpoint.objects.create(
        owner=owner,
        name=checked_name(name),
        url=checked_url(url),
        events=checked_events(events, owner),
        replays=replays,
        definition=only,
        template=only_template,
        secret=new_secret(),
        once=once,
    )
    record(
        action(made, "created"),
        actor=owner,
        target=made,
        detail={"events": made.events},
        personal={"name": made.name, "host": host_of(made.url)},
    )
    return made


@transaction.atomic
def change_endpoint(endpoint: WebhookEndpoint, *, by: User, **changes: Any) -> WebhookEndpoint:
    """Set what is given. Switched on again, or at another address, it has failed never.

    Raises BadWebhook, WebhookNotFound.
    """
    if "name" in changes:
        changes["name"] = checked_name(changes["name"])
    if "url" in changes:
        changes["url"] = checked_url(changes["url"])
        if changes["url"] != endpoint.url:
            changes |= _UNFAILED
    if "events" in changes:
        changes["events"] = checked_events(changes["events"], endpoint.owner)
    if changes.get("enabled"):
        changes |= {**_UNFAILED, "disabled_reason": ""}
    set_fields(endpoint, changes, by=by)
    return endpoint


@transaction.atomic
def ping(endpoint: WebhookEndpoint, *, by: User) -> WebhookMessage:
    """Send it something that says nothing, whatever events it chose.

    Raises BadWebhook, WebhookNotFound.
    """
    hold(endpoint, ["enabled"])
    if not endpoint.enabled:
        raise BadWebhook(reason="This endpoint is switched off.")
    made = WebhookMessage.objects.create(**message_row(endpoint.id, MessageType.PING, {}))
    record(action(endpoint, "pinged"), actor=by, target=endpoint)
    return made


def events_for(owner: User) -> tuple[str, ...]:
    """What they may be told of."""
    return (*EVENTS, *STAFF_EVENTS) if owner.is_staff else EVENTS


def checked_events(events: Sequence[str], owner: User) -> list[str]:
    """Each once, in the order they are documented in. Raises BadWebhook."""
    offered = events_for(owner)
    unknown = [one for one in events if one not in offered]
    if unknown or not events:
        raise BadWebhook(reason=f"Choose of these events: {', '.join(offered)}.")
    return [one for one in offered if one in events]


def checked_url(url: str) -> str:
    """What its form tells; where it leads is looked at whenever something is sent there.

    Raises BadWebhook.
    """
    url = url.strip()
    try:
        if not url.isprintable():
            raise BadAddress("An address has no line breaks or other control characters.")
        if len(url) > _LONGEST_URL:
            raise BadAddress(f"An address has at most {_LONGEST_URL:,} characters.")
        if "{{" in url or "@" in _authority(url):
            raise BadAddress("Give a plain address, without a user name or password in it.")
        check_address(url, AllowList.of(settings.CHATTER_EGRESS_ALLOW))
    except BadAddress as error:
        raise BadWebhook(reason=str(error)) from error
    return url


def host_of(url: str) -> str:
    """All of an address that is fit to be told: what follows may be a key."""
    return _authority(url)[:200]


def _authority(url: str) -> str:
    return _BEHIND_HOST.split(url.split("://", 1)[-1], maxsplit=1)[0]
