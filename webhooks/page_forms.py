"""What the forms of the webhook pages send, as the services want it."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from accounts.models import User
from core.form_fields import once_of
from core.json_values import plain_text
from webhooks.models import HookMode, IncomingWebhook, SignatureStyle, WebhookEndpoint
from webhooks.services.endpoints import create_endpoint
from webhooks.services.incoming import create_incoming
from webhooks.services.signed import BadWebhook
from workflows.choices import parse_choice

_TOKEN = "csrfmiddlewaretoken"  # noqa: S105 - the name of a field


def make_incoming(owner: User, sent: QueryDict) -> IncomingWebhook:
    """Raises what `create_incoming` raises."""
    if (
        sent.get("mode") not in HookMode.values
        or sent.get("signature") not in SignatureStyle.values
    ):
        raise BadWebhook(reason="Choose how it answers, and how deliveries are signed.")
    return create_incoming(
        owner=owner,
        name=sent.get("name", ""),
        mapping=_mapping(sent.get("mapping", "")),
        mode=str(sent["mode"]),
        signature=str(sent["signature"]),
        once=_once(sent),
        **_chosen(sent.get("workflow", "")),
    )


def make_endpoint(owner: User, sent: QueryDict) -> WebhookEndpoint:
    """Raises what `create_endpoint` raises."""
    return create_endpoint(
        owner=owner,
        name=sent.get("name", ""),
        url=plain_text(sent.get("url", "")).strip(),
        events=sent.getlist("events"),
        replays="replays" in sent,
        once=_once(sent),
        **_chosen(sent.get("workflow", "")),
    )


def _once(sent: QueryDict) -> str:
    """Stands for the form as it was shown and what was written on it."""
    written = {name: sent.getlist(name) for name in sent if name not in {"key", _TOKEN}}
    return once_of(sent.get("key", ""), written)


def _mapping(text: str) -> Mapping[str, str]:
    """“name: expression”, one on a line. Raises BadWebhook."""
    lines = [line.strip() for line in plain_text(text).splitlines() if line.strip()]
    if any(":" not in line for line in lines):
        raise BadWebhook(reason="Write the input as “name: expression”, one on a line.")
    pairs = [line.partition(":") for line in lines]
    mapping = {name.strip(): expression.strip() for name, _, expression in pairs}
    if len(mapping) < len(pairs):
        raise BadWebhook(reason="Write each name of the input once.")
    return mapping


def _chosen(value: str) -> dict[str, Any]:
    try:
        return parse_choice(plain_text(value))
    except ValueError:
        raise BadWebhook(reason="Choose a workflow.") from None
