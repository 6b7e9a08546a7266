"""What the forms of the webhook pages send, as the services want it."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from accounts.models import User
from core.json_values import plain_text
from webhooks.models import HookMode, IncomingWebhook, SignatureStyle, WebhookEndpoint
from webhooks.services.endpoints import create_endpoint
from webhooks.services.incoming import create_incoming
from webhooks.services.signed import BadWebhook
from workflows.models import WorkflowDefinition, WorkflowTemplate

_OFFERED = 200


def workflows_for(user: User) -> list[dict[str, str]]:
    """What one may choose: a value for the form, and a name."""
    own = WorkflowDefinition.objects.filter(owner=user, archived=False, version__isnull=False)
    templates = WorkflowTemplate.objects.visible_to(user).order_by("name")
    return [
        *(_offered("definition", pk, name) for pk, name in _rows(own.order_by("name"))),
        *(_offered("template", pk, f"{name} (template)") for pk, name in _rows(templates)),
    ]


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
        **_chosen(sent.get("workflow", "")),
    )


def _mapping(text: str) -> Mapping[str, str]:
    """“name: expression”, one on a line. Raises BadWebhook."""
    lines = [line.strip() for line in plain_text(text).splitlines() if line.strip()]
    if any(":" not in line for line in lines):
        raise BadWebhook(reason="Write the input as “name: expression”, one on a line.")
    pairs = [line.partition(":") for line in lines]
    return {name.strip(): expression.strip() for name, _, expression in pairs}


def _chosen(value: str) -> dict[str, Any]:
    kind, _, pk = value.partition(":")
    if value and kind not in ("definition", "template"):
        raise BadWebhook(reason="Choose a workflow.")
    return {kind: pk} if value else {}


def _rows(found: Any) -> Any:
    return found.values_list("pk", "name")[:_OFFERED]


def _offered(kind: str, pk: Any, name: str) -> dict[str, str]:
    return {"value": f"{kind}:{pk}", "name": name}
