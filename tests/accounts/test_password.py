"""One's own password, changed on a page."""

from io import StringIO

import pytest
from django.contrib.auth import get_user
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.services.tokens import create_token
from audit.models import AuditEntry
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db
PAGE, NEW_PASSWORD = "/account/password/", "a long walk by the sea"


def signed_in(user):
    client = Client()
    given = {"username": user.username, "password": PASSWORD}
    assert client.post("/login/", given).status_code == 302
    return client


def change(client, old=PASSWORD, new=NEW_PASSWORD, again=None):
    given = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(PAGE, given)


def changes():
    return AuditEntry.objects.filter(action="accounts.user.changed")


def test_whoever_changes_it_stays_signed_in_here_and_nowhere_else(alice):
    here, elsewhere = signed_in(alice), signed_in(alice)
    told = change(here)
    assert (told.status_code, told.context["changed"]) == (200, True)
    assert get_user(here) == alice
    assert get_user(elsewhere).is_anonymous
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    entry = changes().get()
    assert (entry.actor_id, entry.detail) == (alice.pk, {"fields": ["password"]})
    assert NEW_PASSWORD not in told.text


def test_tokens_stay_valid(alice):
    _, text = create_token(user=alice, name="laptop", by=alice)
    change(signed_in(alice))
    headers = {"Authorization": f"Token {text}"}
    assert Client().get("/api/v1/auth/tokens/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"old": "wrong"}, "old_password"),
        ({"new": "123456"}, "new_password2"),
        ({"new": "a long walk by the sea " * 50}, "new_password2"),  # nobody could sign in with it
        ({"again": "a longer walk by the sea"}, "new_password2"),
        ({"old": ""}, "old_password"),
    ],
)
def test_what_is_wrong_is_told_where_it_is_and_changes_nothing(alice, given, where):
    client = signed_in(alice)
    told = change(client, **given)
    assert (told.status_code, list(told.context["form"].errors)) == (400, [where])
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert not changes().exists()


def test_guesses_at_the_present_one_are_counted_as_those_of_a_login(alice, settings):
    settings.LOGIN_RATE_PER_USER = "2/min"
    client = signed_in(alice)
    for _ in range(2):
        change(client, old="wrong")
    told = change(client)
    assert told.status_code == 400
    assert "attempts" in told.context["form"].errors["old_password"][0]
    refused = AuditEntry.objects.filter(action="accounts.session.refused")
    assert {entry.detail["via"] for entry in refused} == {"password"}


def test_without_redis_nothing_is_counted_and_nothing_changed(alice, settings):
    client = signed_in(alice)
    settings.RATES_REDIS_URL = "redis://127.0.0.1:9/0"
    assert change(client).status_code == 400
    assert not changes().exists()


def test_it_is_for_whoever_is_signed_in(client):
    assert client.get(PAGE).url == f"/login/?next={PAGE}"


def by_oneself(alice, admin):
    client = signed_in(alice)
    return lambda: change(client)


def by_an_administrator(alice, admin):
    client = signed_in(admin)
    given = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    return lambda: client.post(f"/admin/accounts/user/{alice.pk}/password/", given)


def by_command(alice, admin):
    return lambda: call_command("changepassword", "alice", stdout=StringIO())


@pytest.fixture
def typed(monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda **_: NEW_PASSWORD)


# To hash takes a second, and to type one more takes longer.
@pytest.mark.parametrize("door", [by_oneself, by_an_administrator, by_command])
def test_who_is_deactivated_meanwhile_stays_so(door, alice, admin, at_that_moment, typed):
    rows = User.objects.filter(pk=alice.pk)
    rows.update(is_staff=True)
    set_anew = door(alice, admin)
    lost = {"is_active": False, "is_staff": False}
    at_that_moment(User, "set_password", lambda: rows.update(**lost))
    set_anew()
    kept = rows.get()
    assert {name: getattr(kept, name) for name in lost} == lost
    assert kept.check_password(NEW_PASSWORD)


@pytest.mark.parametrize("door", [by_oneself, by_an_administrator, by_command])
def test_who_is_deleted_meanwhile_stays_so(door, alice, admin, at_that_moment, typed):
    set_anew = door(alice, admin)
    at_that_moment(User, "set_password", User.objects.filter(pk=alice.pk).delete)
    try:
        told = set_anew().status_code
    except CommandError:
        told = 409
    assert told == 409


def test_a_password_that_an_administrator_sets_meanwhile_holds(alice, admin, at_that_moment):
    set_anew, rows = by_oneself(alice, admin), User.objects.filter(pk=alice.pk)
    theirs = make_password("of the administrator")
    at_that_moment(User, "set_password", lambda: rows.update(password=theirs))
    assert set_anew().status_code == 409
    assert rows.get().check_password("of the administrator")
    assert not changes().exists()
