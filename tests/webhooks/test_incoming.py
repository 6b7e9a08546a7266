"""Webhooks that come in: signed, of now, each delivery once."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import AuditEntry
from core import clock
from core.models import new_id
from tests.definitions.graphs import graph
from tests.webhooks.conftest import INCOMING
from webhooks.models import IncomingWebhook, WebhookDelivery
from webhooks.services.signed import rotate_secret
from webhooks.signing import sign_as_github
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db
HELLO = {"text": "hello"}


def test_a_delivery_starts_the_workflow_of_its_owner(opened, alice, api, drain):
    sender = opened()
    answer = sender.send(HELLO)
    assert answer.status_code == 202, answer.json()
    drain()
    ran = WorkflowExecution.objects.get()
    assert (ran.user, ran.cause, ran.input) == (alice, "webhook", {"message": "hello"})
    told = api(alice).get(f"/api/v1/executions/{ran.id}/").json()
    assert (told["cause"], told["status"]) == ("webhook", "completed")
    assert str(ran.id) == answer.json()["execution"]
    assert AuditEntry.objects.get(action="workflows.execution.started").actor_id == alice.pk


def test_the_same_delivery_is_answered_with_what_it_started(opened, client):
    sender = opened()
    first, again = sender.send(HELLO), sender.send(HELLO)
    assert (first.status_code, again.json()) == (202, first.json())
    other = sender.send({"text": "something else"})
    assert (other.status_code, other.json()["code"]) == (409, "hook_delivery_reused")
    assert sender.send(HELLO, pk="two").json() != first.json()
    assert WorkflowExecution.objects.count() == 2
    [two, one] = client.get(f"{INCOMING}{sender.hook['id']}/deliveries/").json()["results"]
    assert (one["delivery_id"], two["delivery_id"]) == ("one", "two")
    assert one["execution"] == first.json()["execution"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": None},
        {"webhook_signature": "v1,ÄÄÄ"},
        {"webhook_timestamp": "0"},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "9" * 40},
        {"webhook_timestamp": None},
        {"webhook_id": "another"},
        {"webhook_id": None},
        {"age_s": 301},
        {"age_s": -303},  # a second may pass until it is looked at
    ],
)
def test_what_is_not_signed_or_not_of_now_starts_nothing_and_is_noted(opened, wrong):
    sender = opened()
    answer = sender.send(HELLO, **wrong)
    assert (answer.status_code, answer.json()["code"]) == (401, "hook_bad_signature")
    assert not WorkflowExecution.objects.exists()
    assert WebhookDelivery.objects.get().outcome == "forged"
    assert AuditEntry.objects.get(action="webhooks.delivery.refused").outcome == "denied"
    assert sender.send(HELLO).status_code == 202, "whoever guesses an id does not use it up"


def test_a_body_that_was_changed_on_its_way_is_refused(opened):
    sender = opened()
    right = sender.headers(b'{"text": "pay 1"}', "one")
    answer = sender.send(b'{"text": "pay 9"}', **right)
    assert answer.status_code == 401


@pytest.mark.parametrize("pk", ["a\tb", "\x85", "x" * 256])
def test_what_is_no_id_is_refused_each_time(opened, pk):
    sender = opened()
    answers = [sender.send(HELLO, pk=pk) for _ in range(2)]
    told = [(one.status_code, one.json()["code"]) for one in answers]
    assert told == [(400, "hook_no_delivery_id")] * 2
    assert not WorkflowExecution.objects.exists()


def test_a_flood_of_forgeries_does_not_flood_the_audit_trail(opened):
    sender = opened()
    codes = {sender.send(HELLO, webhook_signature="v1,AAAA").status_code for _ in range(15)}
    assert codes == {401}
    assert AuditEntry.objects.filter(action="webhooks.delivery.refused").count() == 10
    assert sender.send(HELLO).status_code == 202


def test_unknown_and_switched_off_look_the_same(opened, client, alice):
    sender = opened()
    client.patch(f"{INCOMING}{sender.hook['id']}/", {"enabled": False})
    off = sender.send(HELLO)
    sender.path = "/hooks/nowhere/"
    unknown = sender.send(HELLO)
    for answer in (off, unknown):
        assert (answer.status_code, answer.json()["code"]) == (404, "hook_not_found")
        assert set(answer.json()) == set(unknown.json())
    alice.is_active = False
    alice.save()
    sender.path = sender.hook["path"]
    assert sender.send(HELLO).status_code == 404


def test_while_a_secret_is_changed_both_open_the_door(opened, client):
    sender = opened()
    address = f"{INCOMING}{sender.hook['id']}/rotate/"
    new = client.post(address, {"overlap_s": 3600}).json()["secret"]
    assert new != sender.secret
    assert sender.send(HELLO).status_code == 202
    IncomingWebhook.objects.update(previous_until=clock.now() - timedelta(seconds=1))
    assert sender.send(HELLO, pk="two").status_code == 401
    sender.secret = new
    assert sender.send(HELLO, pk="two").status_code == 202
    client.post(address, {"overlap_s": 0})
    assert sender.send(HELLO, pk="three").status_code == 401
    assert AuditEntry.objects.filter(action="webhooks.incomingwebhook.rotated").count() == 2


def test_of_two_who_change_a_secret_at_once_both_were_told_one_that_opens_the_door(opened, alice):
    sender = opened()
    looked_at = [IncomingWebhook.objects.get() for _ in range(2)]
    shown = [rotate_secret(one, by=alice, overlap_s=3600).secret for one in looked_at]
    for sender.secret in shown:
        assert sender.send(HELLO).status_code == 202


def test_github_signs_in_its_own_way(opened, drain):
    sender = opened(signature="github", mapping={"message": 'headers["x-github-event"]'})
    body = b'{"zen": "Design for failure."}'
    told = {
        "X-Hub-Signature-256": sign_as_github(sender.secret, body),
        "X-GitHub-Delivery": "72d3162e",
        "X-GitHub-Event": "ping",
    }
    assert sender.send(body, **told).status_code == 202
    assert sender.send(body, **told).status_code == 202
    assert WorkflowExecution.objects.get().input == {"message": "ping"}
    assert sender.send(body + b" ", **told).status_code == 401


def test_the_payload_becomes_input_by_expressions(opened):
    mapping = {
        "message": '"Order " + payload.order.id + " via " + query.shop',
        "lines": "payload.order.lines.map(line, line.sku)",
        "whole": "payload.order",
    }
    sender = opened(mapping=mapping)
    order = {"id": "A7", "lines": [{"sku": "tea"}, {"sku": "jam"}]}
    sender.path += "?shop=north"
    assert sender.send({"order": order}).status_code == 202
    assert WorkflowExecution.objects.get().input == {
        "message": "Order A7 via north",
        "lines": ["tea", "jam"],
        "whole": order,
    }


@pytest.mark.parametrize("digits", ["18446744073709551615", "1" + "0" * 77])
def test_a_whole_number_of_more_than_64_bits_comes_in_as_a_decimal_one(opened, drain, digits):
    sender = opened(mapping={"message": "string(payload.wei)", "whole": "payload"})
    assert sender.send(b'{"wei": %s}' % digits.encode()).status_code == 202
    assert WorkflowExecution.objects.get().input["whole"] == {"wei": float(digits)}
    drain()
    assert WorkflowExecution.objects.get().status == "completed"


@pytest.mark.parametrize("message", ["query.shop", '"no\\u0000" + query.shop'])
def test_what_no_database_holds_does_not_come_in_by_an_address(opened, drain, message):
    sender = opened(mapping={"message": message})
    sender.path += "?shop=r%00th"
    assert sender.send(HELLO).status_code == 202
    assert WorkflowExecution.objects.get().input["message"] in ("rth", "north")
    drain()
    assert WorkflowExecution.objects.get().status == "completed"


def test_headers_that_prove_something_are_not_for_expressions(opened):
    names = ["webhook-signature", "authorization", "cookie", "x-api-key", "x-forwarded-for"]
    names += ["x-password", "x-pwd", "x-credential", "x-bearer", "x-shopify-hmac-sha256"]
    names += ["x-goog-iap-jwt-assertion", "x-amzn-oidc-data", "x-ssl-client-cert"]
    sender = opened(mapping={"message": "string(headers)"})
    told = {name: "s3cret" for name in names[1:]}
    assert sender.send(HELLO, X_Shop="north", **told).status_code == 202
    seen = WorkflowExecution.objects.get().input["message"]
    assert "north" in seen
    assert not [name for name in names if name in seen]


def test_without_a_mapping_the_whole_payload_is_the_message(opened):
    assert opened(mapping={}).send({"a": [1, None]}).status_code == 202
    assert WorkflowExecution.objects.get().input["message"] == '{"a": [1, null]}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "webhook_payload_unfit"),
        (b"[]", "webhook_payload_unfit"),
        (b"{", "webhook_malformed_payload"),
        (b"\xff", "webhook_malformed_payload"),
        (b"[" * 5000, "webhook_malformed_payload"),
        (b'{"text": 1e999}', "webhook_malformed_payload"),
        (b'{"text": 1%s}' % (b"0" * 999), "webhook_malformed_payload"),
    ],
)
def test_what_does_not_fit_is_refused_and_may_come_again(opened, client, body, code):
    sender = opened()
    answer = sender.send(body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    [kept] = client.get(f"{INCOMING}{sender.hook['id']}/deliveries/").json()["results"]
    assert (kept["outcome"], kept["code"]) == ("refused", code)
    assert sender.send(HELLO).status_code == 202, "an error uses no delivery id up"


def test_a_text_that_is_not_in_utf_8_is_said_to_be_none(opened):
    answer = opened().send("Grüße".encode("latin-1"), content_type="text/plain")
    assert answer.json()["code"] == "webhook_malformed_payload"
    assert "text in UTF-8" in answer.json()["message"]


def test_what_changes_nothing_leaves_no_trace(opened, client):
    address = f"{INCOMING}{opened().hook['id']}/"
    before = client.get(address).json()
    for body in ({}, {"name": before["name"]}, {"enabled": True, "mapping": before["mapping"]}):
        assert client.patch(address, body).json() == before
    assert not AuditEntry.objects.filter(action__endswith=".changed").exists()
    client.patch(address, {"mode": "wait"})
    assert AuditEntry.objects.get(action__endswith=".changed").detail["changed"] == ["mode"]


def test_who_waits_is_told_how_it_ended(opened, drain):
    sender = opened()
    begun = sender.send(HELLO)
    drain()
    IncomingWebhook.objects.update(mode="wait")
    ended = sender.send(HELLO)
    assert (begun.status_code, ended.status_code) == (202, 201)
    told = ended.json()
    assert (told["execution"], told["status"]) == (begun.json()["execution"], "completed")
    assert (told["text"] != "", told["error"]) == (True, None)


def test_the_owner_s_limits_hold(opened, alice):
    alice.limits = {"concurrent": 1}
    alice.save()
    sender = opened()
    assert sender.send(HELLO).status_code == 202
    full = sender.send(HELLO, pk="two")
    assert (full.status_code, full.json()["code"]) == (429, "too_many_executions")
    assert sender.send(HELLO).status_code == 202, "the same delivery takes no second place"


def test_why_a_workflow_cannot_start_is_told_to_its_owner_only(opened, client, letters):
    sender = opened()
    letters.archived = True
    letters.save()
    answer = sender.send(HELLO)
    assert (answer.status_code, answer.json()["code"]) == (409, "hook_cannot_start")
    [kept] = client.get(f"{INCOMING}{sender.hook['id']}/deliveries/").json()["results"]
    assert kept["code"] == "definition_archived"


def test_what_in_a_workflow_cannot_run_any_more_is_told_to_its_owner(opened, client):
    def workflow(*nodes: Any) -> str:
        body = {"name": "Orders", "graph": graph(*nodes)}
        return client.post("/api/v1/definitions/", body).json()["id"]

    child = workflow()
    node = {"id": "sub", "type": "subworkflow", "config": {"definition": child}}
    sender = opened(definition=workflow(node))
    client.delete(f"/api/v1/definitions/{child}/")
    assert sender.send(HELLO).status_code == 409
    [kept] = client.get(f"{INCOMING}{sender.hook['id']}/deliveries/").json()["results"]
    assert f"There is no workflow '{child}'" in kept["reason"]


def test_too_many_and_too_large_are_refused(opened, settings):
    settings.WEBHOOK_RATE, settings.WEBHOOK_MAX_BYTES = "2/min", 100
    sender = opened()
    large = sender.send(b'{"text": "' + b"x" * 100 + b'"}')
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert [sender.send(HELLO).status_code for _ in range(3)] == [202, 202, 429]


def test_while_the_cache_is_away_what_is_genuine_starts_and_forgeries_leave_nothing(
    opened, cache_away
):
    sender = opened()
    assert sender.send(HELLO, webhook_signature="v1,AAAA").status_code == 401
    assert sender.send(HELLO).status_code == 202
    assert WebhookDelivery.objects.get().outcome == "started"


def test_a_secret_is_shown_once_and_kept_encrypted(opened, client, admin):
    sender = opened()
    secret = sender.secret
    assert secret.startswith("whsec_")
    one = f"{INCOMING}{sender.hook['id']}/"
    assert secret not in client.get(INCOMING).text + client.get(one).text
    raw = IncomingWebhook.objects.raw("SELECT id, secret AS kept FROM webhooks_incomingwebhook")[0]
    assert secret not in raw.kept
    assert secret not in repr(list(AuditEntry.objects.values_list()))
    client.force_login(admin)
    for page in ("", f"{sender.hook['id']}/change/"):
        shown = client.get(f"/admin/webhooks/incomingwebhook/{page}")
        assert shown.status_code == 200
        assert secret not in shown.text
        assert sender.path.split("/")[2] not in shown.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"mapping": {"message": "payload.("}},
        {"mapping": {"message": "secrets.key"}},
        {"mapping": {"message": "text"}},
        {"mapping": {"a-b": "payload"}},
        {"definition": None},
        {"definition": str(new_id())},
        {"template": "universal_chat"},
        {"template": "no_such", "definition": None},
        {"mode": "stream"},
        {"name": ""},
        {"owner": str(new_id())},
        {"secret": "whsec_mine"},
        {"public_id": "mine"},
    ],
)
def test_what_makes_no_webhook_is_refused(client, letters, wrong):
    body: dict[str, Any] = {"name": "Orders", "definition": str(letters.pk), **wrong}
    answer = client.post(INCOMING, body)
    assert answer.status_code in (400, 404), answer.json()
    assert not IncomingWebhook.objects.exists()


def test_a_template_runs_with_parameters(client, drain, built_in):
    answer = client.post(INCOMING, {"name": "Chat", "template": "universal_chat"})
    assert answer.status_code == 201, answer.json()
    assert answer.json()["definition"] is None


def test_the_webhook_of_another_looks_like_none(opened, charlie, admin, api):
    hook = opened().hook
    one = f"{INCOMING}{hook['id']}/"
    for user in (charlie, admin):
        other = api(user)
        assert other.get(INCOMING).json()["results"] == []
        answers = [
            *(other.get(one), other.patch(one, {"enabled": False}), other.delete(one)),
            *(other.post(one + "rotate/", {}), other.get(one + "deliveries/")),
        ]
        codes = {(answer.status_code, answer.json()["code"]) for answer in answers}
        assert codes == {(404, "webhook_not_found")}


def test_somebody_else_s_workflow_cannot_be_opened(letters, charlie, api):
    answer = api(charlie).post(INCOMING, {"name": "x", "definition": str(letters.pk)})
    assert (answer.status_code, answer.json()["code"]) == (404, "definition_not_found")


def test_a_webhook_is_deleted_with_what_was_delivered(opened, client):
    sender = opened()
    sender.send(HELLO)
    assert client.delete(f"{INCOMING}{sender.hook['id']}/").status_code == 204
    assert sender.send(HELLO, pk="two").status_code == 404
    assert not WebhookDelivery.objects.exists()
    assert AuditEntry.objects.get(action="webhooks.incomingwebhook.deleted")
