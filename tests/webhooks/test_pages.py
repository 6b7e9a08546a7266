"""The pages do what the API does, without a script."""

import re
from typing import Any

import pytest
from django.test import Client

from audit.models import AuditEntry
from core.pagination import NewestFirst
from tests.webhooks.conftest import Sender
from webhooks.models import IncomingWebhook, WebhookEndpoint, WebhookMessage

pytestmark = pytest.mark.django_db
PAGE = "/webhooks/"


@pytest.fixture
def browser(alice: Any, built_in: None) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    return client


def send(browser: Client, page: str, **fields: Any) -> Any:
    shown = browser.get(page).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown)
    assert token
    return browser.post(page, {"csrfmiddlewaretoken": token[1], **fields})


def seen(page: str) -> str:
    """Which secret its form is about."""
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found
    return found[1]


def test_an_input_of_which_a_name_is_written_twice_is_not_made_of_the_last_alone(browser, letters):
    twice = {"mapping": "message: payload.text\nmessage: payload.who"}
    fields = {"kind": "incoming", "name": "Orders", "workflow": f"definition:{letters.pk}"}
    more = {"mode": "background", "signature": "standard"}
    answer = send(browser, PAGE, **fields, **more, **twice)
    assert (answer.status_code, IncomingWebhook.objects.count()) == (400, 0)
    assert "Write each name of the input once" in answer.content.decode()


def test_an_address_that_is_too_long_is_told_so(browser):
    url = "https://desk.example/" + "a" * 2_000
    answer = send(browser, PAGE, kind="endpoint", name="x", url=url, events=["execution.failed"])
    assert answer.status_code == 400
    assert "An address has at most 2,000 characters." in answer.content.decode()


def test_a_webhook_is_made_and_its_secret_shown_once(browser, letters, drain):
    made = send(
        browser,
        PAGE,
        kind="incoming",
        name="Orders",
        workflow=f"definition:{letters.pk}",
        mapping="message: payload.text\nitems: payload.who",
        mode="background",
        signature="standard",
    )
    hook = IncomingWebhook.objects.get()
    path = f"/hooks/{hook.public_id}/"
    assert hook.mapping == {"message": "payload.text", "items": "payload.who"}
    assert hook.secret in made.content.decode()
    assert f"http://testserver{path}" in made.content.decode()
    assert hook.secret not in browser.get(PAGE).content.decode()
    sender = Sender({"path": path, "secret": hook.secret})
    assert sender.send({"text": "hello", "who": "bob"}, pk="<b>").status_code == 202
    one = browser.get(f"{PAGE}in/{hook.pk}/").content.decode()
    assert hook.secret not in one
    assert "message: payload.text" in one
    assert "items: payload.who" in one
    assert "&lt;b&gt;" in one
    rotated = send(browser, f"{PAGE}in/{hook.pk}/", act="rotate", seen=seen(one)).content.decode()
    hook.refresh_from_db()
    assert hook.secret in rotated
    send(browser, f"{PAGE}in/{hook.pk}/", act="off")
    assert not IncomingWebhook.objects.get().enabled
    assert send(browser, f"{PAGE}in/{hook.pk}/", act="delete").headers["Location"] == PAGE
    assert not IncomingWebhook.objects.exists()


@pytest.mark.parametrize(
    ("kind", "model", "fields"),
    [
        ("incoming", IncomingWebhook, {"mode": "wait", "signature": "github"}),
        ("endpoint", WebhookEndpoint, {"url": "https://a.example/", "events": ["budget.warned"]}),
    ],
)
def test_the_form_of_a_new_webhook_that_is_sent_twice_makes_one(
    browser, letters, kind, model, fields
):
    keys = re.findall(r'name="key" value="([\w-]+)"', browser.get(PAGE).content.decode())
    asked = {"kind": kind, "workflow": f"definition:{letters.pk}", "key": keys[0], **fields}
    for _ in range(2):
        made = send(browser, PAGE, name="Orders", **asked)
        assert model.objects.get().secret in made.content.decode()
    assert (
        AuditEntry.objects.filter(action=f"webhooks.{model._meta.model_name}.created").count() == 1
    )
    send(browser, PAGE, name="Others", **asked)
    assert model.objects.count() == 2
    send(browser, PAGE, name="Others", **{**asked, "key": ""})
    assert model.objects.count() == 3


def test_what_is_filled_in_wrongly_is_told_and_stays(browser, letters):
    right = {
        "kind": "incoming",
        "name": "Orders",
        "workflow": f"definition:{letters.pk}",
        "mode": "wait",
        "signature": "github",
    }
    for mapping, told in (("message", "one on a line"), ("message: (", "mapping.message")):
        page = send(browser, PAGE, **right, mapping=mapping)
        assert page.status_code == 400
        assert told in page.content.decode()
        assert 'value="Orders"' in page.content.decode()
    for none in ("x:y", "template:", "template:\0"):
        assert send(browser, PAGE, **{**right, "workflow": none}).status_code == 400
    assert (
        send(browser, PAGE, kind="endpoint", name="x", url="ftp://x", events="y").status_code == 400
    )
    hears = {"url": "https://a.example/", "events": "budget.warned", "workflow": "definition:\0"}
    assert send(browser, PAGE, kind="endpoint", name="x", **hears).status_code == 400
    assert not IncomingWebhook.objects.exists()
    assert not WebhookEndpoint.objects.exists(), "of all workflows, though one was meant"


def test_an_endpoint_is_made_pinged_and_what_was_given_up_sent_again(browser, receiver, post):
    events = ["execution.completed", "execution.failed"]
    made = send(browser, PAGE, kind="endpoint", name="Desk", url=receiver.url(), events=events)
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in made.content.decode()
    assert endpoint.events == events
    page = f"{PAGE}out/{endpoint.pk}/"
    receiver.answers = [410]
    send(browser, page, act="ping")
    post()
    shown = browser.get(page).content.decode()
    assert "it answered that it is gone" in shown
    send(browser, page, act="on")
    message = WebhookMessage.objects.get()
    assert "Send again" in browser.get(f"{page}?status=dead").content.decode()
    send(browser, page, act="resend", message=str(message.pk))
    post()
    assert receiver.ids == [str(message.pk)] * 2
    again = send(browser, page, act="resend", message=str(message.pk))
    assert (again.status_code, "delivered" in again.content.decode()) == (409, True)
    assert send(browser, page, act="dance").status_code == 404


def test_all_that_came_and_all_that_went_can_be_reached(browser, opened, told, monkeypatch):
    monkeypatch.setattr(NewestFirst, "page_size", 1)
    sender, endpoint = opened(), told()
    came = f"{PAGE}in/{sender.hook['id']}/"
    for pk in ("first", "second"):
        sender.send({"text": "hello"}, pk)
    went = f"{PAGE}out/{endpoint['id']}/?status=pending"
    for _ in range(2):
        send(browser, went, act="ping")
    newest, oldest = (str(one.pk)[-8:] for one in WebhookMessage.objects.order_by("-pk"))
    for page, older, newer in ((came, "first", "second"), (went, oldest, newest)):
        shown = browser.get(page)
        assert newer in shown.content.decode()
        assert older not in shown.content.decode()
        assert older in browser.get(shown.context["next"]).content.decode()


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_webhook_is_switched_as_its_button_said_whatever_happened_since(
    browser, opened, told, way
):
    pk = opened().hook["id"] if way == "in" else told()["id"]
    kind = IncomingWebhook if way == "in" else WebhookEndpoint
    page = f"{PAGE}{way}/{pk}/"
    for at, word in enumerate(("off", "on"), 1):
        shown = browser.get(page).content.decode()
        pressed = re.search(rf'name="act" value="(\w+)">Switch {word}<', shown)
        assert pressed
        for _ in range(2):
            assert send(browser, page, act=pressed[1]).status_code == 302
            assert kind.objects.get().enabled == (word == "on")
        assert AuditEntry.objects.filter(action__endswith=".changed").count() == at


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_new_secret_that_is_asked_for_twice_is_one_and_the_one_before_still_counts(
    browser, opened, told, way
):
    pk = opened().hook["id"] if way == "in" else told()["id"]
    kind = IncomingWebhook if way == "in" else WebhookEndpoint
    page = f"{PAGE}{way}/{pk}/"
    first = kind.objects.get().secret
    form = {"act": "rotate", "seen": seen(browser.get(page).content.decode())}
    answers = [send(browser, page, **form) for _ in range(2)]
    made = kind.objects.get()
    assert made.secret != made.previous_secret == first
    assert [made.secret in answer.content.decode() for answer in answers] == [True, True]
    assert (
        send(browser, page, act="rotate", seen=seen(answers[1].content.decode())).status_code == 200
    )
    late = send(browser, page, **form)
    assert (late.status_code, "Its secret was changed" in late.content.decode()) == (409, True)
    assert kind.objects.get().secret not in late.content.decode()
    assert kind.objects.get().previous_secret == made.secret
    assert AuditEntry.objects.filter(action__endswith=".rotated").count() == 2


def test_the_pages_of_another_are_not_there(browser, opened, told, charlie):
    pk, other = opened().hook["id"], told()["id"]
    browser.force_login(charlie)
    assert browser.get(f"{PAGE}in/{pk}/").status_code == 404
    assert browser.get(f"{PAGE}out/{other}/").status_code == 404
    shown = browser.get(PAGE).content.decode()
    assert "Orders" not in shown
    assert "Desk" not in shown


def test_nobody_sees_them_without_signing_in():
    for page in (PAGE, f"{PAGE}in/x/", f"{PAGE}out/x/"):
        assert Client().get(page).headers["Location"].startswith("/login/")
