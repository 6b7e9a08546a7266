"""What looks like an attack is seen in the audit trail, and told once."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from audit.guesses import TOLD_EVERY
from audit.models import AuditEntry
from audit.record import record
from audit.refusals import TOLD_AGAIN
from audit.sealing import seal_entries
from security.chores import mail_alerts
from security.models import SecurityAlert, TrailPosition
from security.services import watching
from security.services.alerts import acknowledge
from security.services.mailing import claim_alert
from security.services.watching import watch_trail
from webhooks.models import WebhookMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def watched(db: None, settings: Any) -> None:
    """From here on; windows are a day, so that no test runs over the end of one."""
    limits = dict.fromkeys(settings.CHATTER_SECURITY, (3, 86_400))
    settings.CHATTER_SECURITY = limits
    watch_trail()


def alerts() -> list[SecurityAlert]:
    seal_entries()
    watch_trail()
    return list(SecurityAlert.objects.raised().order_by("kind"))


def act(action: str, times: int = 1, **fields: Any) -> None:
    for _ in range(times):
        with transaction.atomic():
            record(action, outcome="denied", **fields)


def wrong_login(username: str, address: str = "192.0.2.7") -> None:
    said = {"username": username, "password": "wrong"}
    Client().post("/login/", said, REMOTE_ADDR=address)


def test_failed_logins_are_told_of_the_account_and_of_the_address(alice: User) -> None:
    wrong_login("alice", "192.0.2.1")
    wrong_login("alice", "192.0.2.2")
    assert alerts() == []
    wrong_login("alice", "192.0.2.3")
    [of_alice] = alerts()
    assert (of_alice.kind, of_alice.subject) == ("failed_logins", f"accounts.user:{alice.pk}")
    assert (of_alice.count, len(of_alice.entries), of_alice.user_id) == (3, 3, alice.pk)
    for _ in range(3):
        wrong_login("nobody")
    [same, from_there] = alerts()
    assert (same, from_there.subject) == (of_alice, "address:192.0.2.7")


def test_who_has_a_network_of_ipv6_is_one_caller(db: None) -> None:
    for number in range(TOLD_EVERY):
        header = {"Authorization": f"Token chatter_{number:08d}_nothing"}
        address = f"2001:db8:1:2::{number:x}"
        Client().get("/api/v1/auth/me/", headers=header, REMOTE_ADDR=address)
    for number in range(3):
        wrong_login(f"nobody{number}", f"2001:db8:1:2::{number:x}")
    assert {(one.kind, one.subject) for one in alerts()} == {
        ("invalid_tokens", "address:2001:db8:1:2::/64"),
        ("failed_logins_from", "address:2001:db8:1:2::/64"),
    }


@pytest.mark.parametrize(
    ("kind", "action", "detail"),
    [
        ("limits", "workflows.limit.reached", {}),
        ("limits", "accounts.rate.exceeded", {}),
        ("limits", "budgets.call.refused", {}),
        ("refused_tools", "tools.call.refused", {}),
        ("refused_egress", "tools.egress.refused", {}),
    ],
)
def test_what_is_refused_again_and_again_is_told(
    alice: User, charlie: User, kind: str, action: str, detail: dict[str, Any]
) -> None:
    act(action, 2, actor=alice, detail=detail)
    act(action, 2, actor=charlie, detail=detail)
    assert alerts() == []
    act(action, actor=alice, detail=detail)
    [alert] = alerts()
    assert (alert.kind, alert.user_id, alert.count) == (kind, alice.pk, 3)


def test_guesses_count_for_as_many_as_they_stand_for(alice: User) -> None:
    act("audit.guesses.counted", actor=alice, detail={"of": "ids", "count": 20})
    [alert] = alerts()
    assert (alert.kind, alert.count) == ("foreign_ids", 20)
    act("audit.guesses.counted", detail={"of": "tokens", "count": 20}, personal={"address": "::1"})
    assert {one.kind for one in alerts()} == {"foreign_ids", "invalid_tokens"}


def test_who_is_refused_by_a_rate_again_and_again_is_told(
    api: Callable[[User], APIClient], alice: User, settings: Any
) -> None:
    settings.CHATTER_RATES = {"read": "1/hour", "write": "", "start": ""}
    client = api(alice)
    for _ in range(TOLD_AGAIN):
        client.get("/api/v1/definitions/")
    assert alerts() == []
    client.get("/api/v1/definitions/")
    [alert] = alerts()
    assert (alert.kind, alert.user_id, alert.count) == ("limits", alice.pk, TOLD_AGAIN)
    assert len(alert.entries) == 2


def test_each_entry_counts_once_and_an_alert_is_told_once(alice: User) -> None:
    for _ in range(4):
        act("tools.call.refused", 2, actor=alice)
        alerts()
        watch_trail()
    [alert] = alerts()
    assert alert.count == 8
    assert AuditEntry.objects.filter(action="security.alert.raised").count() == 1
    seqs = AuditEntry.objects.filter(action="tools.call.refused").values_list("seq", flat=True)
    assert sorted(alert.entries) == sorted(seqs)


def test_what_was_before_the_first_look_is_not_told(alice: User) -> None:
    TrailPosition.objects.all().delete()
    act("tools.call.refused", 5, actor=alice)
    assert alerts() == []
    act("tools.call.refused", 3, actor=alice)
    assert len(alerts()) == 1


def test_a_threshold_can_be_switched_off(alice: User, settings: Any) -> None:
    settings.CHATTER_SECURITY = {**settings.CHATTER_SECURITY, "refused_tools": None}
    act("tools.call.refused", 50, actor=alice)
    assert alerts() == []


# transaction: several connections look at the same time
@pytest.mark.django_db(transaction=True)
def test_many_who_look_at_once_count_each_entry_once(production_profile: None, alice: User) -> None:
    act("tools.call.refused", 200, actor=alice)
    seal_entries()

    def look() -> None:
        try:
            watch_trail()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    [alert] = alerts()
    assert alert.count == 200
    assert AuditEntry.objects.filter(action="security.alert.raised").count() == 1


@pytest.fixture
def endpoint(api: Callable[[User], APIClient]) -> Callable[[User], Any]:
    def made(user: User) -> Any:
        body = {"name": "Desk", "url": "https://desk.example/", "events": ["security.alert"]}
        return api(user).post("/api/v1/webhooks/endpoints/", body)

    return made


def test_a_webhook_of_staff_is_told_and_nobody_elses_can_be(
    endpoint: Any, admin: User, alice: User
) -> None:
    assert endpoint(alice).status_code == 400
    assert endpoint(admin).status_code == 201
    act("tools.call.refused", 5, actor=alice)
    alerts()
    alerts()
    [message] = WebhookMessage.objects.all()
    assert message.type == "security.alert"
    assert f"accounts.user:{alice.pk}" in message.body
    assert '"kind":"refused_tools"' in message.body


def test_who_is_staff_no_more_is_told_nothing(endpoint: Any, admin: User, alice: User) -> None:
    endpoint(admin)
    User.objects.filter(pk=admin.pk).update(is_staff=False)
    act("tools.call.refused", 5, actor=alice)
    alerts()
    assert not WebhookMessage.objects.exists()


def test_an_alert_is_mailed_once_to_those_of_settings(alice: User, settings: Any) -> None:
    act("tools.call.refused", 5, actor=alice)
    [alert] = alerts()
    async_to_sync(mail_alerts.work)()
    assert mail.outbox == []  # nobody is named
    settings.SECURITY_EMAILS = ["ops@example.com"]
    async_to_sync(mail_alerts.work)()
    async_to_sync(mail_alerts.work)()
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["ops@example.com"], "[Chatter] tools that are not allowed")
    assert alert.subject in sent.body


def test_what_others_do_to_an_alert_while_it_counts_on_stays(
    alice: User, admin: User, at_that_moment: Callable[..., None]
) -> None:
    act("tools.call.refused", 5, actor=alice)
    [alert] = alerts()

    def mailed_and_seen() -> None:
        claim_alert()
        acknowledge(alert, by=admin)

    at_that_moment(watching, "_alert", mailed_and_seen)
    act("tools.call.refused", 1, actor=alice)
    [counted] = alerts()
    assert counted.count == alert.count + 1
    assert (counted.acknowledged_by, claim_alert()) == (admin.pk, None)


def test_whoever_is_named_later_is_mailed_no_alerts_of_days_before(
    alice: User, settings: Any
) -> None:
    act("tools.call.refused", 5, actor=alice)
    [alert] = alerts()
    SecurityAlert.objects.filter(pk=alert.pk).update(raised_at=alert.raised_at - timedelta(days=2))
    settings.SECURITY_EMAILS = ["ops@example.com"]
    async_to_sync(mail_alerts.work)()
    assert mail.outbox == []


def test_a_mail_server_that_is_away_stops_nothing(alice: User, settings: Any) -> None:
    settings.SECURITY_EMAILS = ["ops@example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    act("tools.call.refused", 5, actor=alice)
    alerts()
    async_to_sync(mail_alerts.work)()
    assert SecurityAlert.objects.get().mailed_at is not None


def test_where_no_mail_server_is_named_no_alert_is_said_to_be_mailed(
    alice: User, settings: Any
) -> None:
    settings.SECURITY_EMAILS = ["ops@example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    act("tools.call.refused", 5, actor=alice)
    alerts()
    async_to_sync(mail_alerts.work)()
    assert SecurityAlert.objects.get().mailed_at is None


@pytest.fixture
def back_office(admin: User) -> Iterator[Client]:
    client = Client()
    client.force_login(admin)
    yield client


def test_staff_see_alerts_and_acknowledge_them(
    back_office: Client, admin: User, alice: User
) -> None:
    act("tools.call.refused", 5, actor=alice)
    act("workflows.limit.reached", 2, actor=alice)  # counted, and not raised
    [alert] = alerts()
    listed = reverse("admin:security_securityalert_changelist")
    assert back_office.get(listed).content.count(b'class="action-select"') == 1
    page = back_office.get(reverse("admin:security_securityalert_change", args=[alert.pk]))
    assert f"{alert.entries[0]} tools.call.refused".encode() in page.content
    chosen = {"action": "acknowledge", "_selected_action": [str(alert.pk)]}
    back_office.post(listed, chosen)
    back_office.post(listed, chosen)
    alert.refresh_from_db()
    assert alert.acknowledged_by == admin.pk
    entry = AuditEntry.objects.get(action="security.alert.acknowledged")
    assert (entry.actor_id, entry.target) == (admin.pk, f"security.securityalert:{alert.pk}")


def test_a_look_at_a_quiet_trail_costs_little(django_assert_max_num_queries: Any) -> None:
    alerts()
    with django_assert_max_num_queries(2):
        watch_trail()
