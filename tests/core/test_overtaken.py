"""What somebody deletes or names in the very moment in which it is changed: a conflict, no 500."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.models import User
from audit.models import AuditEntry
from tests.definitions.graphs import asks, graph
from tests.office import Office
from triggers.models import Schedule
from triggers.services import schedules
from webhooks.api import endpoints
from webhooks.models import IncomingWebhook, WebhookMessage
from webhooks.services import incoming
from workflows.models import WorkflowTemplate

WEBHOOKS = "/api/v1/webhooks/"
# A name for what is not there is found when a transaction is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(api, alice, built_in) -> Any:
    return api(alice)


def is_told(answer: Any) -> None:
    assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")


@pytest.mark.parametrize(
    ("address", "body", "module", "finder", "made"),
    [
        ("schedules/", {"kind": "cron", "cron": "@daily"}, schedules, "_check_start", Schedule),
        ("webhooks/incoming/", {}, incoming, "target", IncomingWebhook),
    ],
    ids=["a schedule", "a webhook"],
)
def test_what_is_to_run_a_template_that_is_being_deleted_is_not_made(
    client, at_that_moment, address, body, module, finder, made
):
    new = {"name": "Mine", "graph": graph(asks())}
    template = client.post("/api/v1/templates/", new).json()["id"]
    entries = AuditEntry.objects.count()
    at_that_moment(module, finder, WorkflowTemplate.objects.filter(pk=template).delete)
    is_told(client.post(f"/api/v1/{address}", {"name": "x", "template": template, **body}))
    assert (made.objects.count(), AuditEntry.objects.count()) == (0, entries)


def test_a_message_of_a_webhook_that_is_being_deleted_is_not_sent_again(client, at_that_moment):
    told = client.post(f"{WEBHOOKS}endpoints/", {"name": "Desk", "url": "https://desk.example/in"})
    message = client.post(f"{WEBHOOKS}endpoints/{told.json()['id']}/ping/").json()["id"]
    at_that_moment(endpoints, "message_for", WebhookMessage.objects.all().delete)
    is_told(client.post(f"{WEBHOOKS}messages/{message}/resend/"))


def test_a_page_tells_of_a_group_that_is_being_deleted_and_nothing_is_changed(
    admin, alice, at_that_moment
):
    pages, group = Office(), Group.objects.create(name="Desk")
    pages.force_login(admin)
    before = User.objects.values().get(pk=alice.pk)
    at_that_moment(User, "full_clean", group.delete)
    page = f"/admin/accounts/user/{alice.pk}/change/"
    told = pages.post(page, {"username": "alice", "first_name": "Alice", "groups": [group.pk]})
    assert told.status_code == 409
    assert "look again" in told.text
    assert User.objects.values().get(pk=alice.pk) == before
