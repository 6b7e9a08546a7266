"""The door itself: no session, no token; the signature is all there is to show."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api import AsyncAPIView, BodyTooLarge
from core.database import database
from core.models import new_id
from core.shapes import Shape
from webhooks.models import HookMode
from webhooks.services.receiving import Delivered, admit, start_delivery
from workflows.api.starting import Door, start
from workflows.services.planning import StartPlan

_HEADERS = [
    OpenApiParameter("webhook-id", str, "header", description="The same id starts one execution."),
    OpenApiParameter("webhook-timestamp", int, "header", description="Seconds since 1970."),
    OpenApiParameter("webhook-signature", str, "header", description="v1,<base64>"),
]


class DeliveryAnswer(Shape):
    """What the delivery started. `text` and `error` (a code) are null until it has ended."""

    execution: UUID
    status: str
    text: str | None
    error: str | None


class Hook(AsyncAPIView):
    """Deliver a payload, signed by the Standard Webhooks specification or as GitHub does.

    202 with the execution or, if the webhook waits, 201 with its result. The same delivery id and
    body are answered with the execution they started the first time.
    """

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="hooks_deliver",
        auth=[],
        request={"application/json": dict},
        parameters=_HEADERS,
        responses={201: DeliveryAnswer, 202: DeliveryAnswer},
    )
    async def post(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        delivered = _delivered(request, public_id)
        hook = await database.run(admit, delivered)
        wanted = new_id()
        door = Door(wanted, partial(start_delivery, hook, delivered, wanted), _response)
        return await start(door, "wait" if hook.mode == HookMode.WAIT else "background")


def _delivered(request: HttpRequest, public_id: str) -> Delivered:
    """Raises BodyTooLarge."""
    length = request.headers.get("content-length") or "0"
    if length.isdecimal() and int(length) > settings.WEBHOOK_MAX_BYTES:
        raise BodyTooLarge
    if len(request.body) > settings.WEBHOOK_MAX_BYTES:
        raise BodyTooLarge
    return Delivered(
        public_id=public_id,
        body=request.body,
        headers=request.headers,
        query=request.GET.dict(),
        request_id=request.request_id,  # type: ignore[attr-defined]
    )


def _response(plan: StartPlan, ended: Mapping[str, Any] | None) -> DeliveryAnswer:
    if ended is None:
        execution = plan.execution
        return DeliveryAnswer(
            execution=execution.id, status=execution.status, text=None, error=None
        )
    return DeliveryAnswer(
        execution=plan.execution.id,
        status=ended["status"],
        text=str((ended["output"] or {}).get("text") or ""),
        error=(ended["error"] or {}).get("code"),
    )
