"""Who is asking: by token or session, over HTTP and sockets, and how fast it is forgotten."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from accounts.authentication import (
    CsrfFailed,
    InvalidToken,
    authenticate_request,
    authenticate_scope,
    user_of_token,
)
from accounts.known_users import known_users
from accounts.models import User
from accounts.services.tokens import revoke_token
from audit.context import RequestContext, bound, current
from core import clock
from core.errors import NotAuthenticated
from tests.factories.accounts import ApiTokenFactory, UserFactory

pytestmark = pytest.mark.django_db
ME = "/api/v1/auth/me/"


def ask(header: str | None):
    return APIClient().get(ME, headers={"Authorization": header} if header else {})


def request_with(header: str):
    return RequestFactory().get("/", headers={"Authorization": header})


def test_a_token_opens_the_api_for_its_user():
    token = ApiTokenFactory()
    answer = ask(f"Token {token.plain}")
    assert (answer.status_code, answer.json()["username"]) == (200, token.user.username)


def revoked():
    return ApiTokenFactory(revoked_at=clock.now()).plain


def expired():
    return ApiTokenFactory(expires_at=clock.now() - timedelta(seconds=1)).plain


def of_an_inactive_user():
    return ApiTokenFactory(user__is_active=False).plain


def with_another_secret():
    return ApiTokenFactory().plain[:-1] + "!"


def of_another_prefix():
    first, second = ApiTokenFactory(), ApiTokenFactory()
    return first.plain.replace(first.prefix, second.prefix)


@pytest.mark.parametrize(
    "plain",
    [
        *(revoked, expired, of_an_inactive_user, with_another_secret, of_another_prefix),
        *("", "x", "chatter__", "chatter_12345678_", "a\0b", "é" * 50),
    ],
)
def test_every_token_that_opens_nothing_is_refused_alike(plain):
    answer = ask(f"Token {plain() if callable(plain) else plain}")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("header", [None, "Basic dXNlcjpwYXNz", "Bearer x"])
def test_without_a_token_one_is_asked_to_sign_in(header):
    answer = ask(header)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_wrong_token_is_not_saved_by_a_session(alice):
    api = APIClient()
    api.force_login(alice)
    assert api.get(ME).status_code == 200
    assert api.get(ME, headers={"Authorization": "Token wrong"}).status_code == 401


def test_a_session_must_show_its_csrf_token_to_change_things(alice):
    api = APIClient(enforce_csrf_checks=True)
    api.force_login(alice)
    token = ApiTokenFactory(user=alice)
    answer = api.delete(f"/api/v1/auth/tokens/{token.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    api.get("/account/tokens/")
    cookie = api.cookies["csrftoken"].value
    answer = api.delete(f"/api/v1/auth/tokens/{token.pk}/", headers={"X-CSRFToken": cookie})
    assert answer.status_code == 204


def test_a_token_needs_no_csrf_token():
    token = ApiTokenFactory()
    api = APIClient(enforce_csrf_checks=True)
    answer = api.delete(
        f"/api/v1/auth/tokens/{token.pk}/", headers={"Authorization": f"Token {token.plain}"}
    )
    assert answer.status_code == 204


def test_a_token_used_a_moment_ago_costs_an_asynchronous_view_neither_thread_nor_query():
    token = ApiTokenFactory()
    user_of_token(token.plain)
    asking = authenticate_request(request_with(f"Token {token.plain}"))
    with pytest.raises(StopIteration) as done:
        asking.send(None)  # one step, to the end: it never gave the loop a reason to wait
    assert done.value.value == token.user
    assert type(done.value.value) is User


def test_an_asynchronous_view_looks_an_unknown_token_up():
    token = ApiTokenFactory()
    request = request_with(f"token  {token.plain} ")
    assert async_to_sync(authenticate_request)(request) == token.user
    with pytest.raises(InvalidToken):
        async_to_sync(authenticate_request)(request_with("Token wrong"))


def session_request(client: Client, method: str = "get", **headers: str):
    request = getattr(RequestFactory(enforce_csrf_checks=True), method)("/", headers=headers)
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    user = client.get(ME).wsgi_request.user

    async def auser():
        return user

    request.auser = auser
    return request


def test_an_asynchronous_view_takes_the_session_and_checks_csrf(client, alice):
    client.force_login(alice)
    client.get("/account/tokens/")
    ask_async = async_to_sync(authenticate_request)
    assert ask_async(session_request(client)) == alice
    with pytest.raises(CsrfFailed):
        ask_async(session_request(client, "post"))
    cookie = client.cookies["csrftoken"].value
    assert ask_async(session_request(client, "post", **{"X-CSRFToken": cookie})) == alice


def test_an_asynchronous_view_without_session_is_for_nobody(client):
    with pytest.raises(NotAuthenticated):
        async_to_sync(authenticate_request)(session_request(client))


def test_a_socket_takes_the_token_of_its_subprotocols_or_the_session(alice):
    token = ApiTokenFactory()
    ask_socket = async_to_sync(authenticate_scope)
    offers = ["chatter.v1", f"token.{token.plain}"]
    assert ask_socket({"subprotocols": offers, "user": alice}) == token.user
    assert ask_socket({"subprotocols": ["chatter.v1"], "user": alice}) == alice
    with pytest.raises(InvalidToken):
        ask_socket({"subprotocols": ["token.wrong"], "user": alice})
    for scope in ({}, {"user": None}, {"user": AnonymousUser()}, {"user": User(is_active=False)}):
        with pytest.raises(NotAuthenticated):
            ask_socket(scope)


def test_who_was_recognised_is_the_actor_of_what_follows(alice):
    async def scenario():
        await authenticate_scope({"user": alice})
        return current().actor_id

    with bound(RequestContext()):
        assert async_to_sync(scenario)() == alice.pk


def test_the_last_use_is_noted_once_a_minute():
    token = ApiTokenFactory(last_used_at=clock.now() - timedelta(seconds=61))
    before = clock.now()
    user_of_token(token.plain)
    token.refresh_from_db()
    assert token.last_used_at >= before
    first_use = token.last_used_at
    known_users.clear()
    user_of_token(token.plain)
    token.refresh_from_db()
    assert token.last_used_at == first_use


def test_a_revoked_token_opens_nothing_from_that_moment():
    token = ApiTokenFactory()
    assert ask(f"Token {token.plain}").status_code == 200
    revoke_token(token=token, by=token.user)
    assert ask(f"Token {token.plain}").status_code == 401


def test_a_deactivated_user_is_out_at_once():
    token = ApiTokenFactory()
    assert ask(f"Token {token.plain}").status_code == 200
    token.user.is_active = False
    token.user.save()
    assert ask(f"Token {token.plain}").status_code == 401


def test_a_deleted_user_is_out_at_once():
    token = ApiTokenFactory()
    assert ask(f"Token {token.plain}").status_code == 200
    User.objects.get(pk=token.user_id).delete()
    assert ask(f"Token {token.plain}").status_code == 401


def test_a_token_that_expires_soon_is_not_remembered_longer():
    token = ApiTokenFactory(expires_at=clock.now() + timedelta(seconds=60))
    assert ask(f"Token {token.plain}").status_code == 200
    type(token).objects.filter(pk=token.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    assert ask(f"Token {token.plain}").status_code == 200  # changed behind our back: seconds
    known_users.clear()
    assert ask(f"Token {token.plain}").status_code == 401


def test_other_users_do_not_share_a_memory():
    one, other = ApiTokenFactory(), ApiTokenFactory(user=UserFactory())
    assert [user_of_token(one.plain), user_of_token(other.plain)] == [one.user, other.user]
    assert [user_of_token(one.plain), user_of_token(other.plain)] == [one.user, other.user]
