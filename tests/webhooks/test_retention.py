"""What is forgotten of webhooks; never what could be taken for new, nor what is to be sent."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from core import clock
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookMessage
from webhooks.signing import sign_as_github
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db
HELLO = {"text": "hello"}


def prune(**options) -> None:
    call_command("prune", stdout=StringIO(), **options)


def test_a_delivery_that_could_come_again_is_known_until_it_cannot(opened):
    sender = opened()
    first = sender.send(HELLO, age_s=-200).json()
    prune(older_than=0)
    assert sender.send(HELLO, age_s=-200).json() == first
    WebhookDelivery.objects.update(received_at=clock.now() - timedelta(seconds=601))
    prune(older_than=0)
    assert not WebhookDelivery.objects.exists()


def test_a_signature_without_a_time_counts_for_ever_so_its_delivery_stays(opened):
    sender = opened(signature="github", mapping={"message": "'hi'"})
    body = b"{}"
    told = {
        "X-Hub-Signature-256": sign_as_github(sender.secret, body),
        "X-GitHub-Delivery": "72d3162e",
    }
    assert sender.send(body, **told).status_code == 202
    assert sender.send(body, **{**told, "X-Hub-Signature-256": "sha256=00"}).status_code == 401
    WebhookDelivery.objects.update(received_at=clock.now() - timedelta(days=1000))
    prune()
    assert WebhookDelivery.objects.get().outcome == "started", "what was forged is forgotten"
    assert sender.send(body, **told).status_code == 202
    assert WorkflowExecution.objects.count() == 1


def test_messages_go_after_a_month_with_their_tries_but_not_while_they_wait(
    told, client, letters, drain, post
):
    told()
    for _ in range(2):
        body = {"input": {"message": "hello"}, "mode": "background"}
        client.post(f"/api/v1/definitions/{letters.pk}/execute/", body)
        drain()
        WebhookMessage.objects.update(created_at=clock.now() - timedelta(days=31))
        if not WebhookAttempt.objects.exists():
            post()
    prune()
    assert WebhookMessage.objects.get().status == "pending"
    assert not WebhookAttempt.objects.exists()
    post()
    prune()
    assert not WebhookMessage.objects.exists()


def test_messages_that_nobody_gets_any_more_go_though_none_was_sent(
    told, client, alice, letters, drain
):
    told()
    body = {"input": {"message": "hello"}, "mode": "background"}
    client.post(f"/api/v1/definitions/{letters.pk}/execute/", body)
    drain()
    WebhookMessage.objects.update(created_at=clock.now() - timedelta(days=31))
    alice.is_active = False
    alice.save()
    prune()
    assert not WebhookMessage.objects.exists()
