"""Who tried too often is locked out, is seen there, and let in again by those who may."""

import threading
from collections.abc import Callable
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import windows
from accounts.models import Lockout, User
from accounts.throttling import count_attempt
from audit.models import AuditEntry
from core.models import new_id
from tests.accounts.test_login import by_api, by_page
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db
LISTED = "admin:accounts_lockout_changelist"


@pytest.fixture
def locked_out(alice: User) -> Lockout:
    for _ in range(9):
        by_page("Alice", "wrong")
    assert by_api("alice", PASSWORD).status_code == 429
    return Lockout.objects.get()


def lift(lockout: Lockout, by: User) -> None:
    client = Client()
    client.force_login(by)
    chosen = {"action": "lift", "_selected_action": [str(lockout.pk)]}
    assert client.post(reverse(LISTED), chosen).status_code == 302


def test_a_lockout_is_kept_once_and_names_whom_it_meets(locked_out: Lockout, alice: User) -> None:
    assert (locked_out.scope, locked_out.user) == ("user", alice)
    assert locked_out.address == "192.0.2.1"
    wait_s = (locked_out.until - locked_out.created_at).total_seconds()
    assert 1 <= wait_s <= 61


def test_staff_see_it_and_lift_it(locked_out: Lockout, admin: User, alice: User) -> None:
    client = Client()
    client.force_login(admin)
    assert b"alice" in client.get(reverse(LISTED)).content
    lift(locked_out, admin)
    assert by_api("alice", PASSWORD).status_code == 201
    entry = AuditEntry.objects.get(action="accounts.lockout.lifted")
    assert (entry.actor_id, entry.target) == (admin.pk, f"accounts.user:{alice.pk}")
    lift(locked_out, admin)
    assert AuditEntry.objects.filter(action="accounts.lockout.lifted").count() == 1


def test_lifted_once_it_comes_again_after_as_many_attempts(
    locked_out: Lockout, admin: User, alice: User
) -> None:
    lift(locked_out, admin)
    for _ in range(5):
        assert by_api("alice", "wrong").status_code == 401
    assert by_api("alice", PASSWORD).status_code == 429
    assert Lockout.objects.count() == 2


def test_a_process_that_counts_by_itself_hears_of_it(locked_out: Lockout, admin: User) -> None:
    here = windows._limiter("")
    windows._limiter.cache_clear()
    lift(locked_out, admin)
    windows._limiter.cache_clear()
    with patch.object(windows, "_limiter", lambda url: here):
        assert by_api("alice", PASSWORD).status_code == 201


def test_a_command_lifts_it_too(locked_out: Lockout, alice: User) -> None:
    told = StringIO()
    call_command("lift_lockout", address="192.0.2.1", stdout=told)
    call_command("lift_lockout", user="alice", stdout=told)
    assert told.getvalue().splitlines() == ["0 lockouts are lifted.", "1 lockouts are lifted."]
    assert by_api("alice", PASSWORD).status_code == 201


def test_an_address_is_locked_out_and_let_in_again(alice: User, settings) -> None:
    settings.LOGIN_RATE_PER_ADDRESS = "2/min"
    for _ in range(3):
        by_api("somebody's password typed astray", "wrong")
    lockout = Lockout.objects.get()
    assert (lockout.scope, lockout.user, lockout.address) == ("address", None, "192.0.2.1")
    assert by_api("alice", PASSWORD).status_code == 429
    call_command("lift_lockout", address="192.0.2.1", stdout=StringIO())
    assert by_api("alice", PASSWORD).status_code == 201


def test_who_has_many_addresses_of_one_network_is_locked_out_once_for_all(
    alice: User, settings
) -> None:
    settings.LOGIN_RATE_PER_ADDRESS = "2/min"
    for number in range(3):
        by_api(f"somebody{number}", "wrong", address=f"2001:db8:0:1:{number}::7")
    assert by_api("alice", PASSWORD, address="2001:db8:0:1:ffff::").status_code == 429
    assert by_api("alice", PASSWORD, address="2001:db8:0:2::7").status_code == 201
    call_command("lift_lockout", address="2001:db8:0:1::1", stdout=StringIO())
    assert by_api("alice", PASSWORD, address="2001:db8:0:1:ffff::").status_code == 201


def test_who_comes_by_a_new_connection_each_time_is_locked_out_though_a_proxy_tells_the_port(
    settings,
) -> None:
    settings.LOGIN_RATE_PER_ADDRESS, settings.TRUSTED_PROXIES = "2/min", 1
    for port in range(4000, 4003):
        told = {"X-Forwarded-For": f"203.0.113.7:{port}"}
        answer = Client().post("/login/", {"username": "n", "password": "wrong"}, headers=told)
    assert answer.status_code == 429
    assert Lockout.objects.get().address == "203.0.113.7"


def at_once(guess: Callable[[], object], times: int) -> list[object]:
    """What they came to, begun at one instant by so many threads."""
    came_to: list[object] = []
    barrier = threading.Barrier(times)

    def one() -> None:
        barrier.wait()
        try:
            came_to.append(guess())
        finally:
            connection.close()

    guessers = [threading.Thread(target=one) for _ in range(times)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    return came_to


def test_of_many_guesses_at_once_no_more_get_through_than_may() -> None:
    passed = at_once(lambda: count_attempt("alice", "192.0.2.1") is None, 40)
    assert sum(map(bool, passed)) == 5


@pytest.mark.usefixtures("production_profile")
def test_nor_with_redis(settings) -> None:
    settings.RATES_REDIS_URL = settings.REDIS_URL
    name = f"somebody {new_id()}"
    passed = at_once(lambda: count_attempt(name, name) is None, 40)
    assert sum(map(bool, passed)) == 5


@pytest.mark.usefixtures("production_profile")
@pytest.mark.django_db(transaction=True)
def test_of_many_that_are_refused_at_once_one_is_kept(alice: User, settings) -> None:
    settings.LOGIN_RATE_PER_USER = "1/hour"
    refused = at_once(lambda: by_api("alice", "wrong").status_code, 12)
    assert sorted(refused) == [401] + [429] * 11
    assert Lockout.objects.count() == 1
    outcomes = AuditEntry.objects.filter(action="accounts.session.refused").values_list("outcome")
    assert sorted(outcomes) == [("denied",), ("failure",)]


def test_attempts_on_other_names_do_not_empty_the_count_of_one() -> None:
    for number in range(6):
        count_attempt("alice", f"2001:db8::{number:x}")
    for number in range(1_000):
        count_attempt(f"name{number}", f"2001:db8:1::{number:x}")
    assert count_attempt("alice", "2001:db8::ff") is not None


def test_what_was_typed_for_a_name_is_not_kept(settings) -> None:
    settings.LOGIN_RATE_PER_USER = "1/min"
    for _ in range(3):
        by_api("passw0rd-in-the-wrong-box", "wrong")
    [row] = Lockout.objects.values()
    assert row["user_id"] is None
    assert "passw0rd" not in str(row)
