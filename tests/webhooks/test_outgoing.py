"""Webhooks that go out: every chosen event arrives, whatever the other end does."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from accounts.models import User
from audit.models import AuditEntry
from core import clock
from core.models import new_id
from tests.approvals.desk import letter
from tests.drills.server import ROOT
from tests.factories.accounts import UserFactory
from tests.webhooks.conftest import ENDPOINTS, MESSAGES
from tests.workers.backlog import until_someone_waits
from webhooks import delivering
from webhooks.api import endpoints
from webhooks.models import WebhookAttempt, WebhookEndpoint, WebhookMessage
from webhooks.services import messages, notifying
from webhooks.services.notifying import Happening, message_row
from webhooks.services.signed import MOST
from webhooks.signing import new_secret
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(client, letters, drain) -> Callable[..., str]:
    def ran(message: str = "hello", **body: Any) -> str:
        body = {"input": {"message": message}, "mode": "background", **body}
        answer = client.post(f"/api/v1/definitions/{letters.pk}/execute/", body)
        assert answer.status_code == 202, answer.json()
        drain()
        return answer.json()["execution"]["id"]

    return ran


def documented(name: str) -> Any:
    """What the documentation gives receivers to copy."""
    page = (ROOT / "docs" / "webhooks.md").read_text()
    names: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)  # noqa: S102 - our own page
    return names[name]


def test_the_end_of_a_run_is_told_signed_and_once(told, run, post, receiver):
    endpoint = told()
    execution = run()
    post()
    post()
    [(headers, body)], [said] = receiver.seen, receiver.told
    assert (said["type"], said["data"]["execution"]) == ("execution.completed", execution)
    assert (said["id"], said["data"]["text"] != "") == (headers["webhook-id"], True)
    assert said["data"]["totals"]["calls"] == 1
    is_genuine = documented("is_genuine")
    assert is_genuine(endpoint["secret"], headers, body)
    assert not is_genuine(endpoint["secret"], headers, body + b" ")
    message = WebhookMessage.objects.get()
    assert (message.status, message.attempts) == ("delivered", 1)


def test_a_message_that_failed_comes_again_under_its_id(told, run, post, receiver, client):
    told()
    run()
    receiver.answers = [500, receiver.url("/elsewhere")]
    post()
    post()
    assert len(receiver.seen) == 1, "it is put off"
    for _ in range(2):
        post(later=True)
    assert len(set(receiver.ids)) == 1
    assert len({body for _, body in receiver.seen}) == 1
    message = WebhookMessage.objects.get()
    assert (message.status, message.attempts) == ("delivered", 3)
    tries = client.get(f"{MESSAGES}{message.pk}/").json()["tries"]
    assert [(one["status"], one["error"]) for one in tries] == [
        (500, ""),
        (None, "egress_too_many_redirects"),
        (204, ""),
    ]
    assert WebhookEndpoint.objects.get().failures == 0


@pytest.mark.parametrize("answer", ["big", "packed"])
def test_who_has_taken_it_may_answer_at_any_length_and_in_any_form(
    told, run, post, receiver, answer
):
    told()
    run()
    receiver.answers = [answer, 500]
    post()
    post(later=True)
    assert len(receiver.seen) == 1
    message = WebhookMessage.objects.get()
    assert (message.status, message.attempts) == ("delivered", 1)


def test_it_is_put_off_longer_each_time(told, run, post, receiver, settings):
    told()
    run()
    receiver.answers = [500] * 8
    waits = []
    for _ in range(8):
        post(later=True)
        waits.append((WebhookMessage.objects.get().next_at - clock.now()).total_seconds())
    for at, wait_s in enumerate(waits):
        base = min(settings.WEBHOOK_RETRY_S * 4**at, 6 * 3600)
        assert 0.74 * base - 5 <= wait_s <= 1.26 * base


def test_one_that_was_tried_two_thousand_times_is_tried_again(told, run, post, receiver, settings):
    settings.WEBHOOK_ATTEMPTS = 10_000
    told()
    run()
    WebhookMessage.objects.update(attempts=2_000)
    receiver.answers = [500]
    post()
    message = WebhookMessage.objects.get()
    assert (message.status, message.attempts) == ("pending", 2_001)
    assert message.next_at > clock.now()


def test_what_is_given_up_is_listed_and_may_be_sent_again(
    told, run, post, receiver, client, settings
):
    settings.WEBHOOK_ATTEMPTS = 2
    endpoint = told()
    run()
    receiver.answers = [503, 503, 503]
    post()
    post(later=True)
    post(later=True)
    assert len(receiver.seen) == 2
    listed = client.get(f"{ENDPOINTS}{endpoint['id']}/messages/?status=dead").json()["results"]
    [dead] = listed
    assert dead["next_at"] is None
    again = client.post(f"{MESSAGES}{dead['id']}/resend/")
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    post()
    post(later=True)
    assert receiver.ids == [dead["id"]] * 4
    assert WebhookMessage.objects.get().status == "delivered"
    refused = client.post(f"{MESSAGES}{dead['id']}/resend/")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_message_not_dead")
    assert AuditEntry.objects.get(action="webhooks.webhookmessage.resent")


def test_one_that_is_gone_is_switched_off_at_once(told, run, post, receiver, client):
    endpoint = told()
    run()
    receiver.answers = [410]
    post()
    run()
    post(later=True)
    assert len(receiver.seen) == 1
    shown = client.get(f"{ENDPOINTS}{endpoint['id']}/").json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    entry = AuditEntry.objects.get(action="webhooks.webhookendpoint.disabled")
    assert entry.detail["reason"] == "gone"


def test_what_an_address_says_that_was_left_meanwhile_is_held_against_no_other(
    told, run, post, receiver, client, monkeypatch
):
    endpoint = told()
    run()
    moves = ["/new", "/newer"]

    def settled_late(*settled: Any) -> None:
        if moves:
            to = {"url": receiver.url(moves.pop(0))}
            assert client.patch(f"{ENDPOINTS}{endpoint['id']}/", to).status_code == 200
        messages.settle(*settled)

    monkeypatch.setattr(delivering, "settle", settled_late)
    receiver.answers = [410, 500]
    for _ in range(3):
        post(later=True)
    assert WebhookMessage.objects.get().status == "delivered"
    now = WebhookEndpoint.objects.get()
    assert (now.enabled, now.failures, now.url) == (True, 0, receiver.url("/newer"))


def test_at_another_address_it_has_failed_never(told, run, post, receiver, client):
    endpoint = told()
    run()
    receiver.answers = [500]
    post()
    assert WebhookEndpoint.objects.get().failures == 1
    client.patch(f"{ENDPOINTS}{endpoint['id']}/", {"url": receiver.url("/new")})
    now = WebhookEndpoint.objects.get()
    assert (now.failures, now.failing_since) == (0, None)


def test_one_that_fails_for_long_is_switched_off_and_what_waits_comes_later(
    told, run, post, receiver, client, settings
):
    settings.WEBHOOK_DISABLE_AFTER = 3
    endpoint = told()
    run()
    receiver.answers = [500] * 4
    for _ in range(3):
        post(later=True)
    assert WebhookEndpoint.objects.get().enabled, "many failures, but not for long"
    WebhookEndpoint.objects.update(failing_since=clock.now() - timedelta(days=2))
    post(later=True)
    assert WebhookEndpoint.objects.get().disabled_reason == "failed_too_often"
    post(later=True)
    assert len(receiver.seen) == 4
    client.patch(f"{ENDPOINTS}{endpoint['id']}/", {"enabled": True})
    post(later=True)
    assert WebhookMessage.objects.get().status == "delivered"
    assert len(set(receiver.ids)) == 1


def test_only_what_is_to_be_delivered_is_counted_as_pending(told, run, client, settings):
    settings.METRICS_TOKEN = "t"  # noqa: S105 - of this test alone
    address = f"{ENDPOINTS}{told()['id']}/"
    run()

    def pending() -> str:
        said = Client().get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
        return re.search(r"^chatter_webhook_messages_pending (.*)$", said, re.MULTILINE)[1]

    assert pending() == "1.0"
    client.patch(address, {"enabled": False})
    assert pending() == "0.0"
    client.patch(address, {"enabled": True})
    assert pending() == "1.0"


@pytest.mark.parametrize(
    ("verb", "act", "body"),
    [("patch", "", {"name": "New"}), ("patch", "", {}), ("post", "ping/", None)],
    ids=["changed", "left as it is", "pinged"],
)
def test_an_endpoint_that_is_deleted_meanwhile_is_not_there(
    told, client, at_that_moment, verb, act, body
):
    address = f"{ENDPOINTS}{told()['id']}/"
    at_that_moment(endpoints, "signed_for", WebhookEndpoint.objects.all().delete)
    answer = getattr(client, verb)(address + act, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found")
    assert not AuditEntry.objects.filter(action__regex="changed|pinged").exists()


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_an_endpoint_is_deleted_while_it_fails(
    production_profile, told, run, receiver, client, monkeypatch
):
    endpoint = told()
    run()
    failing, counted = Event(), messages._count_failure

    def once_deleting(*settled: Any, **how: Any) -> None:
        failing.set()
        until_someone_waits()
        counted(*settled, **how)

    def failed() -> None:
        try:
            messages.settle(messages.claim_one(UUID(endpoint["id"])), messages.Answer(500, "", 1))
        finally:
            connection.close()

    monkeypatch.setattr(messages, "_count_failure", once_deleting)
    with ThreadPoolExecutor() as pool:
        settled = pool.submit(failed)
        assert failing.wait(30)
        assert client.delete(f"{ENDPOINTS}{endpoint['id']}/").status_code == 204
        settled.result()
    assert not WebhookMessage.objects.exists()


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_run_ends_at_once_though_an_endpoint_that_is_to_be_told_is_deleted_meanwhile(
    production_profile, told, run, client, monkeypatch
):
    endpoints = [told(), told()]
    inserted = notifying.insert_rows

    def deleted() -> None:
        try:
            client.delete(f"{ENDPOINTS}{endpoints.pop()['id']}/")
        finally:
            connection.close()

    def once_deleted(*rows: Any) -> None:
        if len(endpoints) == 2:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(deleted).result()
        inserted(*rows)

    monkeypatch.setattr(notifying, "insert_rows", once_deleted)
    execution = WorkflowExecution.objects.get(pk=run())
    assert (execution.status, execution.attempt) == ("completed", 1)
    assert [str(one.endpoint_id) for one in WebhookMessage.objects.all()] == [endpoints[0]["id"]]


def test_a_slow_endpoint_does_not_hold_up_another(told, client, post, receiver, settings):
    settings.WEBHOOK_TIMEOUT_S = 1
    quick, slow = told(), told(url=receiver.url("/hang"))
    for endpoint in (quick, slow):
        for _ in range(6 if endpoint is slow else 4):
            client.post(f"{ENDPOINTS}{endpoint['id']}/ping/")
    post()
    assert receiver.most_hanging < 5, "it is sent two at a time, so places are left for others"
    arrived = WebhookMessage.objects.filter(endpoint=quick["id"], status="delivered")
    assert arrived.count() == 4
    tries = WebhookAttempt.objects.filter(message__endpoint=slow["id"])
    assert [one.error for one in tries] == ["egress_timed_out"] * 6


def test_what_waits_for_the_many_endpoints_of_a_few_holds_up_nobody_else(
    told, client, post, receiver, settings
):
    settings.WEBHOOK_TIMEOUT_S = 1
    long_ago = clock.now() - timedelta(hours=1)
    for owner in UserFactory.create_batch(2):
        for _ in range(MOST):
            slow = WebhookEndpoint.objects.create(
                owner=owner, name="Slow", url=receiver.url("/hang"), secret=new_secret()
            )
            for _ in range(2):
                row = message_row(slow.id, "ping", {})
                WebhookMessage.objects.create(**{**row, "next_at": long_ago})
    endpoint = told()
    client.post(f"{ENDPOINTS}{endpoint['id']}/ping/")
    post()
    assert WebhookMessage.objects.get(endpoint=endpoint["id"]).status == "delivered"


def test_one_message_is_never_with_two_couriers(told, run, receiver):
    from webhooks.services.messages import claim_one  # noqa: PLC0415

    endpoint = told()
    run()
    first, second = claim_one(endpoint["id"]), claim_one(endpoint["id"])
    assert (first is not None, second) == (True, None)


def test_an_address_with_a_line_break_in_it_is_refused_and_one_at_its_end_is_left_out(client):
    split, pasted = "https://desk.example\n/in", " https://desk.example/in\n"
    answer = client.post(ENDPOINTS, {"name": "x", "url": split})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_webhook")
    answer = client.post(ENDPOINTS, {"name": "x", "url": pasted})
    assert (answer.status_code, answer.json()["url"]) == (201, "https://desk.example/in")


@pytest.mark.parametrize("behind", ["/in?key=hush", "?key=hush", "#hush", ""])
def test_the_audit_trail_is_told_the_host_and_nothing_behind_it(client, behind):
    client.post(ENDPOINTS, {"name": "Desk", "url": f"https://desk.example{behind}"})
    made = AuditEntry.objects.get(action="webhooks.webhookendpoint.created")
    assert made.personal["content"]["host"] == "desk.example"


def test_an_at_sign_is_no_password_behind_the_host(client):
    fine, not_fine = "https://desk.example/@team/in#@", "https://me:hush@desk.example/in"
    answer = client.post(ENDPOINTS, {"name": "x", "url": fine})
    assert (answer.status_code, answer.json().get("url")) == (201, fine)
    answer = client.post(ENDPOINTS, {"name": "x", "url": not_fine})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_webhook")


@pytest.mark.parametrize("where", ["http://10.0.0.1/in", "http://169.254.169.254/latest"])
def test_an_address_within_is_refused_when_it_is_given(client, where):
    answer = client.post(ENDPOINTS, {"name": "x", "url": where})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_webhook")


def test_an_address_that_leads_within_is_refused_when_it_is_called(
    told, run, post, receiver, settings
):
    told()
    run()
    settings.CHATTER_EGRESS_ALLOW = []
    post()
    assert receiver.seen == []
    assert WebhookAttempt.objects.get().error == "egress_address_refused"


def test_only_what_was_chosen_is_told(told, run, post, receiver, client, letters, drain):
    told(events=["execution.failed"])
    told(definition=str(letters.pk), events=["execution.completed"])
    run()
    client.post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    drain()
    client.post("/api/v1/chat/", {"message": "please fail", "mode": "background"})
    drain()
    post()
    kinds = sorted(one["type"] for one in receiver.told)
    assert kinds == ["execution.completed", "execution.failed"]
    [failed] = [one for one in receiver.told if one["type"] == "execution.failed"]
    assert failed["data"]["error"]["code"]


def test_who_waits_for_people_is_told_and_who_is_stopped(told, post, receiver, client, drain):
    told()
    body = {"graph": letter(), "input": {"message": "x"}, "mode": "background"}
    pk = client.post("/api/v1/workflows/execute/", body).json()["execution"]["id"]
    drain()
    client.post(f"/api/v1/executions/{pk}/cancel/")
    post()
    assert {one["type"] for one in receiver.told} == {"execution.waiting", "execution.cancelled"}
    [asked] = [one for one in receiver.told if one["type"] == "execution.waiting"]
    assert [one["question"] for one in asked["data"]["approvals"]] == ["Send it?"]


def test_a_replay_is_told_only_to_who_wants_replays(told, run, post, receiver, client, drain):
    told()
    every = told(replays=True)
    source = run()
    again = client.post(f"/api/v1/executions/{source}/replay/").json()["execution"]["id"]
    drain()
    post()
    about = [one["data"]["execution"] for one in receiver.told]
    assert (about.count(source), about.count(again)) == (2, 1)
    assert (
        WebhookMessage.objects.get(execution=again).endpoint_id
        == WebhookEndpoint.objects.get(pk=every["id"]).pk
    )


def test_nobody_hears_of_the_runs_of_others(told, receiver, post, charlie, api, drain, run):
    told()
    api(charlie).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    drain()
    post()
    assert receiver.seen == []
    # Runs of several users may end in one commit.
    mine = _happening(WorkflowExecution.objects.get(pk=run()))
    theirs = _happening(WorkflowExecution.objects.get(user=charlie))
    endpoint = WebhookEndpoint.objects.get()
    assert (mine.concerns(endpoint), theirs.concerns(endpoint)) == (True, False)


def _happening(execution: WorkflowExecution) -> Happening:
    return Happening(
        type="execution.completed",
        at=clock.now(),
        execution_id=execution.id,
        user_id=execution.user_id,
        definition_id=execution.definition_id,
        template_id=execution.template_id,
        rerun="",
        data={},
    )


def test_while_a_secret_is_changed_both_sign(told, client, post, receiver):
    endpoint = told()
    client.post(f"{ENDPOINTS}{endpoint['id']}/rotate/", {})
    pinged = client.post(f"{ENDPOINTS}{endpoint['id']}/ping/")
    assert pinged.status_code == 202
    post()
    [(headers, body)] = receiver.seen
    assert (receiver.told[0]["type"], len(headers["webhook-signature"].split())) == ("ping", 2)
    assert endpoint["secret"] not in body.decode() + repr(list(AuditEntry.objects.values_list()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://example.com/"},
        {"url": "http://ex ample.com/"},
        {"url": "http://user:pw@example.com/"},
        {"url": "http://{{host}}/"},
        {"url": "x" * 3000},
        {"url": "http://localhost:8000/"},
        {"events": ["execution.began"]},
        {"events": []},
        {"definition": str(new_id())},
        {"headers": {"x": "y"}},
        {"owner": str(new_id())},
    ],
)
def test_what_makes_no_endpoint_is_refused(client, wrong):
    body = {"name": "x", "url": "https://example.com/in", **wrong}
    assert client.post(ENDPOINTS, body).status_code in (400, 404)
    assert not WebhookEndpoint.objects.exists()


def test_the_endpoint_of_another_looks_like_none(told, run, charlie, api, admin):
    pk = told()["id"]
    run()
    message = WebhookMessage.objects.get().pk
    one = f"{ENDPOINTS}{pk}/"
    for user in (charlie, admin):
        other = api(user)
        answers = [
            *(other.get(one), other.patch(one, {"enabled": False}), other.delete(one)),
            *(other.post(one + "rotate/", {}), other.post(one + "ping/")),
            *(other.get(one + "messages/"), other.get(f"{MESSAGES}{message}/")),
            other.post(f"{MESSAGES}{message}/resend/"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert other.get(ENDPOINTS).json()["results"] == []


def test_an_alert_that_waits_is_not_sent_to_who_is_staff_no_more(alice, told, post, receiver):
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.refresh_from_db()
    told(events=["security.alert", "execution.failed"])
    receiver.answers = [500]
    notifying.notify_staff("security.alert", {"kind": "refused_tools"})
    post()
    User.objects.filter(pk=alice.pk).update(is_staff=False)
    post(later=True)
    assert len(receiver.seen) == 1
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    post(later=True)
    assert [one["data"]["kind"] for one in receiver.told] == ["refused_tools"] * 2


@pytest.mark.parametrize(
    "guess",
    [
        "webhookendpoint/?url__startswith=http",
        "webhookendpoint/?secret__startswith=g",
        "incomingwebhook/?public_id__startswith=a",
        "webhookmessage/?endpoint__url__startswith=http",
    ],
)
def test_staff_who_see_webhooks_cannot_guess_what_they_are_not_shown(told, run, guess):
    told()
    run()
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="webhooks"))
    office = Client()
    office.force_login(staff)
    page, _, asked = guess.partition("?")
    assert office.get(f"/admin/webhooks/{page}").status_code == 200
    assert office.get(f"/admin/webhooks/{page}?{asked}").status_code == 400


def test_the_back_office_sends_again_and_switches(told, run, post, receiver, admin, client):
    endpoint = told()
    run()
    WebhookMessage.objects.update(status="dead")
    message = WebhookMessage.objects.get()
    client.force_login(admin)
    page = "/admin/webhooks/webhookmessage/"
    client.post(
        page, {"action": "send_again", "_selected_action": [str(message.pk)]}, format="multipart"
    )
    post()
    assert len(receiver.seen) == 1
    page = "/admin/webhooks/webhookendpoint/"
    client.post(
        page, {"action": "switch_off", "_selected_action": [endpoint["id"]]}, format="multipart"
    )
    assert not WebhookEndpoint.objects.get().enabled
    for model in ("webhookendpoint", "webhookmessage", "webhookattempt", "webhookdelivery"):
        shown = client.get(f"/admin/webhooks/{model}/")
        assert shown.status_code == 200
        assert endpoint["secret"] not in shown.text
