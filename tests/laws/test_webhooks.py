"""Every chosen event of every finished run is delivered at least once, under one id, whatever the
other end does and whoever dies while sending; and the events of others to nobody."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import settings as settings_of_examples
from hypothesis import strategies as st

from accounts.models import User
from core import clock
from tests.drills.mortal import take_up
from tests.laws.histories import undone
from tests.laws.test_totals import lawful
from tests.webhooks.receiver import Receiver, receiving
from webhooks.delivering import couriers
from webhooks.models import WebhookMessage
from webhooks.models.outgoing import EVENTS
from webhooks.services.endpoints import create_endpoint
from webhooks.services.messages import claim_one
from workflows.models import WorkflowExecution

ANSWERS = st.sampled_from([200, 204, 404, 429, 500, 503, "big", "http://127.0.0.1:9/"])
SAID = st.sampled_from(["hello", "please fail"])
ACTS = st.one_of(
    st.tuples(st.just("say"), SAID),
    st.tuples(st.just("send"), st.just("")),
    st.tuples(st.just("die"), st.just("")),
)


@pytest.fixture(scope="module")
def listening() -> Any:
    with receiving() as running:
        yield running


@pytest.mark.usefixtures("built_in")
@given(
    acts=st.lists(ACTS, max_size=8),
    answers=st.lists(ANSWERS, max_size=10),
    chosen=st.sets(st.sampled_from(EVENTS), min_size=1),
)
@settings_of_examples(parent=lawful, max_examples=6)
def test_every_chosen_event_arrives_under_one_id(
    listening: Receiver, settings: Any, api: Any, acts: Any, answers: Any, chosen: Any
) -> None:
    settings.CHATTER_EGRESS_ALLOW, settings.WEBHOOK_ATTEMPTS = ["127.0.0.1/32"], 1_000
    with undone():
        listening.answers, listening.seen = list(answers), []
        ada, bob = (User.objects.create_user(name) for name in ("ada", "bob"))
        create_endpoint(owner=ada, name="x", url=listening.url(), events=sorted(chosen))
        for act, text in acts:
            _do(act, text, api(ada), api(bob))
        listening.answers = listening.answers[:3]
        for _ in range(20):
            if not WebhookMessage.objects.filter(status="pending").exists():
                break
            _all_due()
            _send()
        told = Counter((one["type"], one["data"]["execution"]) for one in listening.told)
        ended = WorkflowExecution.objects.filter(user=ada, finished_at__isnull=False)
        due = {(f"execution.{one.status}", str(one.id)) for one in ended}
        assert set(told) == {one for one in due if one[0] in chosen}
        ids = {(one["data"]["execution"], one["id"]) for one in listening.told}
        assert len(ids) == len(told)
        assert not WebhookMessage.objects.exclude(status="delivered").exists()


def _do(act: str, text: str, ada: Any, bob: Any) -> None:
    if act == "say":
        for client in (ada, bob):
            client.post("/api/v1/chat/", {"message": text, "mode": "background"})
        take_up()
    elif act == "send":
        _send()
    else:  # somebody claims what is due, and is never heard of again
        for message in WebhookMessage.objects.due(clock.now()):
            claim_one(message.endpoint_id)


def _all_due() -> None:
    past = clock.now() - timedelta(seconds=1)
    WebhookMessage.objects.filter(status="pending").update(next_at=past)


def _send() -> None:
    async def scenario() -> None:
        await couriers.send_out()
        await couriers.all_back()

    async_to_sync(scenario)()
