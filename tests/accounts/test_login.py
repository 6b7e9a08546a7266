"""Logging in, over the API and on the page: the same answers, the same throttle, the same audit."""

import pytest
from django.contrib.auth import get_user
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from accounts.models import ApiToken
from audit.models import AuditEntry
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
TOKEN = "/api/v1/auth/token/"


def by_api(username: str, password: str, address: str = "192.0.2.1", **more: str):
    body = {"username": username, "password": password, **more}
    return Client().post(TOKEN, body, content_type="application/json", REMOTE_ADDR=address)


def by_page(username: str, password: str, address: str = "192.0.2.1", **more: str):
    body = {"username": username, "password": password, **more}
    return Client().post("/login/", body, REMOTE_ADDR=address)


both_doors = pytest.mark.parametrize("door", [by_api, by_page])


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("id"))


def test_a_password_buys_a_token_that_works(alice):
    answer = by_api("alice", PASSWORD, name="laptop")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    bought = answer.json()
    me = Client().get("/api/v1/auth/me/", headers={"Authorization": f"Token {bought['token']}"})
    assert me.json()["username"] == "alice"
    token = ApiToken.objects.get()
    assert (str(token.pk), token.name, bought["expires_at"]) == (bought["id"], "laptop", None)
    assert bought["token"].startswith(f"chatter_{token.prefix}_")


def test_a_password_buys_a_token_that_opens_doors_until_it_expires(alice):
    bought = by_api("alice", PASSWORD, expires_at="2999-01-01T01:00:00+01:00").json()
    assert bought["expires_at"] == "2999-01-01T00:00:00Z"
    token = ApiToken.objects.get()
    assert (token.state, token.expires_at.isoformat()) == ("active", "2999-01-01T00:00:00+00:00")
    (made,) = entries("accounts.token.created")
    assert made.detail["expires_at"] == "2999-01-01T00:00:00+00:00"


@pytest.mark.parametrize("never", ["2001-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "soon", 7])
def test_no_token_is_made_that_has_expired_already(alice, never):
    answer = by_api("alice", PASSWORD, expires_at=never)
    (told,) = answer.json()["detail"]["errors"]
    assert (answer.status_code, told["path"]) == (400, "expires_at")
    assert not ApiToken.objects.exists()


def test_the_text_of_a_token_is_kept_nowhere(alice):
    plain = by_api("alice", PASSWORD).json()["token"]
    secret = plain.split("_", 2)[2]
    kept = [*ApiToken.objects.values_list(), *AuditEntry.objects.values_list()]
    assert secret not in repr(kept)


def test_the_page_opens_a_session_and_leads_on(alice):
    client = Client()
    answer = client.post("/login/", {"username": "alice", "password": PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/chat/")
    assert get_user(client) == alice


@pytest.mark.parametrize(
    ("asked_for", "led_to"),
    [
        ("/executions/?x=1", "/executions/?x=1"),
        ("https://elsewhere.example/", "/chat/"),
        ("//elsewhere.example/", "/chat/"),
        ("javascript:alert(1)", "/chat/"),
        ("?x=1", "?x=1"),
        ("logout", "logout"),  # the name of a view is no address
    ],
)
def test_the_page_leads_on_to_our_own_pages_only(alice, asked_for, led_to):
    assert by_page("alice", PASSWORD, next=asked_for).url == led_to
    client = Client()
    client.force_login(alice)
    assert client.get("/login/", {"next": asked_for}).url == led_to


@both_doors
def test_a_name_is_read_as_it_is_kept_however_its_letters_are_composed(door):
    UserFactory(username="jos\u00e9")
    assert door("jose\u0301", PASSWORD).status_code in {201, 302}
    for guess in ("jos\u00e9", "jose\u0301", "JOSE\u0301") * 2:
        answer = door(guess, "wrong")
    assert answer.status_code == 429


@both_doors
@pytest.mark.parametrize("case", ["wrong password", "unknown user", "inactive user"])
def test_every_wrong_guess_gets_the_same_answer(alice, door, case):
    UserFactory(username="gone", is_active=False)
    guesses = {
        "wrong password": ("alice", "wrong"),
        "unknown user": ("nobody", PASSWORD),
        "inactive user": ("gone", PASSWORD),
    }
    answer = door(*guesses[case])
    assert answer.status_code == 401
    assert "This username and password do not belong together." in answer.content.decode()
    if door is by_api:
        assert answer.json()["code"] == "wrong_credentials"
        assert answer.json()["detail"] == {}


def test_an_unknown_user_costs_as_much_hashing_as_a_known_one(alice, monkeypatch):
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda *args: hashed.append(1) or encode(*args)
    )
    by_api("alice", "wrong")
    for_the_known = len(hashed)
    by_api("nobody", "wrong")
    assert len(hashed) == 2 * for_the_known > 0


@both_doors
def test_a_name_is_tried_five_times_a_minute_whatever_its_case_and_the_address(alice, door):
    for number in range(5):
        name = "alice" if number % 2 else "ALICE"
        assert door(name, "wrong", address=f"192.0.2.{number}").status_code == 401
    answer = door("Alice", PASSWORD, address="192.0.2.99")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    if door is by_api:
        assert answer.json()["code"] == "too_many_attempts"
        assert answer.json()["detail"] == {"retry_after_s": int(answer.headers["Retry-After"])}


@both_doors
def test_an_address_tries_thirty_times_a_minute_whatever_the_name(door):
    for number in range(30):
        assert door(f"name{number}", "wrong").status_code == 401
    assert door("another", "wrong").status_code == 429
    assert door("another", "wrong", address="192.0.2.2").status_code == 401


def test_both_doors_share_one_throttle(alice):
    for number in range(5):
        (by_api if number % 2 else by_page)("alice", "wrong")
    assert by_api("alice", PASSWORD).status_code == 429
    assert by_page("alice", PASSWORD).status_code == 429


def test_a_throttled_address_cannot_lock_others_out(alice):
    for number in range(30):
        by_api(f"name{number}", "wrong")
    for _ in range(10):
        assert by_api("alice", "wrong").status_code == 429
    assert by_api("alice", PASSWORD, address="192.0.2.2").status_code == 201


def test_a_right_password_forgives_the_wrong_ones_before(alice):
    for _ in range(3):
        for _ in range(4):
            assert by_api("alice", "wrong").status_code == 401
        assert by_api("alice", PASSWORD).status_code == 201


def test_the_rates_are_read_when_someone_tries(alice, settings):
    settings.LOGIN_RATE_PER_USER = "1/hour"
    assert by_api("alice", "wrong").status_code == 401
    assert by_api("alice", PASSWORD).status_code == 429
    settings.LOGIN_RATE_PER_USER = ""
    assert by_api("alice", PASSWORD).status_code == 201


@both_doors
def test_while_attempts_cannot_be_counted_nobody_logs_in(alice, cache_away, door):
    answer = door("alice", PASSWORD)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Attempts cannot be counted just now." in answer.text
    if door is by_api:
        assert answer.json()["code"] == "cache_away"
    assert not entries("accounts.session.opened")
    assert not ApiToken.objects.exists()


@both_doors
def test_a_refusal_is_audited_with_the_name_in_the_part_that_can_be_erased(alice, door):
    door("alice", "wrong")
    door("nobody", "wrong")
    known, unknown = entries("accounts.session.refused")
    via = "api" if door is by_api else "page"
    assert (known.outcome, known.actor_id) == ("failure", None)
    assert known.detail == {"via": via, "reason": "wrong_credentials"}
    assert known.target == f"accounts.user:{alice.pk}"
    assert known.personal_content == {"address": "192.0.2.1", "username": "alice"}
    assert unknown.target == ""
    assert known.request_id


def test_a_flood_of_refusals_is_told_once(alice):
    for _ in range(20):
        by_api("alice", "wrong")
    refused = entries("accounts.session.refused")
    assert [one.outcome for one in refused] == ["failure"] * 5 + ["denied"]
    assert refused[-1].detail["reason"] == "too_many_attempts"


def test_opened_and_closed_sessions_are_audited(alice):
    client = Client()
    client.post("/login/", {"username": "alice", "password": PASSWORD})
    client.post("/logout/")
    (opened,) = entries("accounts.session.opened")
    (closed,) = entries("accounts.session.closed")
    assert opened.actor_id == closed.actor_id == alice.pk
    assert opened.target == closed.target == f"accounts.user:{alice.pk}"
    assert opened.request_id != closed.request_id
    assert get_user(client).is_anonymous


def test_a_token_from_a_password_is_audited(alice):
    by_api("alice", PASSWORD)
    (created,) = entries("accounts.token.created")
    token = ApiToken.objects.get()
    assert (created.actor_id, created.target) == (alice.pk, f"accounts.apitoken:{token.pk}")
    assert created.detail == {"user": str(alice.pk), "prefix": token.prefix}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "alice"},
        {"username": "", "password": ""},
        {"username": "a\0b", "password": "x"},
        {"username": "x" * 151, "password": "x"},
        {"username": ["alice"], "password": PASSWORD},
        {"username": "alice", "password": PASSWORD, "is_superuser": True},
        [],
        '"alice"',
    ],
)
def test_what_is_no_pair_of_credentials_is_an_error_and_leaves_nothing(alice, body):
    answer = Client().post(TOKEN, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not ApiToken.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_unknown_field_is_named(alice):
    (issue,) = by_api("alice", PASSWORD, user="bob").json()["detail"]["errors"]
    assert (issue["path"], issue["code"]) == ("user", "unknown_field")


def test_malformed_json_is_an_error():
    answer = Client().post(TOKEN, "{", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


def test_a_form_that_says_nothing_is_shown_again():
    answer = Client().post("/login/", {"username": "", "password": ""})
    assert answer.status_code == 400
    assert "This field is required." in answer.content.decode()


def test_the_page_is_protected_against_foreign_forms(alice):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 403


def test_logging_out_is_a_post_and_harmless_without_a_session(client):
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").url == "/login/"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-16", "latin-1"])
def test_what_is_sent_is_read_as_utf_8_whatever_it_is_said_to_be(charset):
    UserFactory(username="zoë")
    form = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"username": "zoë", "password": PASSWORD}.items()
    )
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    assert Client().generic("POST", "/login/", f"{form}--x--\r\n", kind).status_code == 302
    body = f'{{"username": "zoë", "password": "{PASSWORD}"}}'
    kind = f"application/json; charset={charset}"
    assert Client().generic("POST", TOKEN, body, kind).status_code == 201
