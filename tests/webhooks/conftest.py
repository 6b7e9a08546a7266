"""Alice's workflow, a door to it, and somebody who listens."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from core import clock
from tests.definitions.graphs import asks, graph
from tests.webhooks.receiver import Receiver, receiving
from webhooks.delivering import couriers
from webhooks.models import WebhookMessage
from webhooks.signing import sign
from workflows.models import WorkflowDefinition
from workflows.services.definitions import create_definition

INCOMING = "/api/v1/webhooks/incoming/"
ENDPOINTS = "/api/v1/webhooks/endpoints/"
MESSAGES = "/api/v1/webhooks/messages/"


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def letters(alice: User, built_in: None) -> WorkflowDefinition:
    return create_definition(owner=alice, name="Letters", graph=graph(asks()))


class Sender:
    """A program that knows the secret of one webhook."""

    def __init__(self, hook: dict[str, Any]) -> None:
        self.hook, self.path, self.secret = hook, hook["path"], hook["secret"]

    def headers(self, body: bytes, pk: str, age_s: int = 0) -> dict[str, str]:
        at = int(clock.now().timestamp()) - age_s
        signature = sign(self.secret, pk, at, body)
        return {"webhook-id": pk, "webhook-timestamp": str(at), "webhook-signature": signature}

    def send(self, payload: Any, pk: str = "one", age_s: int = 0, **headers: str) -> Any:
        """Deliver it; `headers` stand in the place of those that are right."""
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        right = self.headers(body, pk, age_s)
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**right, **changed}.items() if value is not None}
        return Client(enforce_csrf_checks=True).post(
            self.path, body, content_type="application/json", headers=sent
        )


@pytest.fixture
def opened(client: APIClient, letters: WorkflowDefinition) -> Callable[..., Sender]:
    """Open a door to alice's workflow."""

    def made(**fields: Any) -> Sender:
        body = {
            "name": "Orders",
            "definition": str(letters.pk),
            "mapping": {"message": "payload.text"},
            **fields,
        }
        answer = client.post(INCOMING, body)
        assert answer.status_code == 201, answer.json()
        return Sender(answer.json())

    return made


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.CHATTER_EGRESS_ALLOW = ["127.0.0.1/32"]
    settings.WEBHOOK_TIMEOUT_S = 2.0
    with receiving() as server:
        yield server


@pytest.fixture
def told(client: APIClient, receiver: Receiver) -> Callable[..., dict[str, Any]]:
    """Have the receiver told what happens to alice's runs."""

    def made(**fields: Any) -> dict[str, Any]:
        answer = client.post(ENDPOINTS, {"name": "Desk", "url": receiver.url(), **fields})
        assert answer.status_code == 201, answer.json()
        return answer.json()

    return made


@pytest.fixture
def post(receiver: Receiver) -> Callable[..., None]:
    """Send what is due; with `later`, as if all that was put off were due."""

    async def scenario() -> None:
        await couriers.send_out()
        await couriers.all_back()

    def posted(*, later: bool = False) -> None:
        if later:
            WebhookMessage.objects.filter(status="pending").update(next_at=clock.now())
        async_to_sync(scenario)()

    return posted
