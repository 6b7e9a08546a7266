"""One's tokens: listed, revoked, made on the page; those of others do not exist."""

import pytest
from django.test import Client

from accounts.known_users import known_users
from accounts.models import ApiToken
from audit.models import AuditEntry
from core import clock
from core.models import new_id
from tests.factories.accounts import ApiTokenFactory

pytestmark = pytest.mark.django_db
TOKENS, PAGE = "/api/v1/auth/tokens/", "/account/tokens/"


@pytest.fixture
def page(alice):
    client = Client()
    client.force_login(alice)
    return client


def test_one_lists_ones_own_tokens_newest_first_without_secrets(api, alice, charlie):
    older, newer = ApiTokenFactory.create_batch(2, user=alice)
    ApiTokenFactory(user=charlie)
    listed = api(alice).get(TOKENS).json()["results"]
    assert [one["id"] for one in listed] == [str(newer.pk), str(older.pk)]
    assert set(listed[0]) == {
        *("id", "name", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at"),
    }


def test_not_even_staff_list_the_tokens_of_others(api, admin):
    ApiTokenFactory()
    assert api(admin).get(TOKENS).json()["results"] == []


def test_one_revokes_a_token_of_ones_own_once(api, alice):
    token = ApiTokenFactory(user=alice)
    for _ in range(2):
        assert api(alice).delete(f"{TOKENS}{token.pk}/").status_code == 204
    token.refresh_from_db()
    assert token.revoked_at
    (revoked,) = AuditEntry.objects.filter(action="accounts.token.revoked")
    assert (revoked.actor_id, revoked.target) == (alice.pk, f"accounts.apitoken:{token.pk}")


def test_the_token_of_another_looks_like_none_at_all(api, alice, charlie):
    token = ApiTokenFactory(user=charlie)
    for key in (token.pk, new_id()):
        answer = api(alice).delete(f"{TOKENS}{key}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    token.refresh_from_db()
    assert token.revoked_at is None


def test_many_tokens_cost_as_many_queries_as_one(api, alice, django_assert_num_queries):
    client = api(alice)
    for count in (1, 20):
        ApiTokenFactory.create_batch(count, user=alice)
        with django_assert_num_queries(3):  # session, user, tokens
            client.get(TOKENS)


def test_the_page_shows_a_new_token_once(page, alice):
    shown = page.post(PAGE, {"name": "laptop"})
    token = ApiToken.objects.get()
    assert (shown.status_code, token.name, token.user) == (200, "laptop", alice)
    plain = shown.context["new_token"]
    assert plain in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    again = page.get(PAGE).content.decode()
    assert token.prefix in again
    assert plain not in again


def test_the_page_makes_a_token_that_expires_and_says_when_it_has(page):
    plain = page.post(PAGE, {"name": "laptop", "days": "30"}).context["new_token"]
    token = ApiToken.objects.get()
    assert (token.expires_at - token.created_at).days in (29, 30)
    assert f'expires <time datetime="{token.expires_at:%Y-%m-%d}' in page.get(PAGE).text
    assert Client().get(TOKENS, headers=_as(plain)).status_code == 200
    known_users.clear()
    ApiToken.objects.update(expires_at=clock.now())
    assert Client().get(TOKENS, headers=_as(plain)).status_code == 401
    assert ">expired<" in page.get(PAGE).text
    for days in ("0", "-1", "31", "for ever"):
        assert page.post(PAGE, {"name": "desk", "days": days}).status_code == 400


def test_a_form_that_is_sent_twice_makes_one_token(page, alice, charlie):
    sent = {"name": "laptop", "key": page.get(PAGE).context["form"]["key"].value()}
    first, second = (page.post(PAGE, sent) for _ in range(2))
    token = ApiToken.objects.get()
    assert first.context["new_token"] == second.context["new_token"]
    assert Client().get(TOKENS, headers=_as(second.context["new_token"])).status_code == 200
    assert AuditEntry.objects.filter(action="accounts.token.created").count() == 1
    page.post(PAGE, {"revoke": token.pk})
    assert page.post(PAGE, sent).context["new_token"] == ""
    page.post(PAGE, sent | {"name": "desk"})
    page.force_login(charlie)
    page.post(PAGE, sent)
    assert ApiToken.objects.count() == 3


def test_the_page_shows_fifty_tokens_and_leads_to_the_older_ones(page, alice):
    oldest, *_ = ApiTokenFactory.create_batch(51, user=alice)
    shown = page.get(PAGE)
    assert len(shown.context["tokens"]) == 50
    older = page.get(shown.context["next"])
    assert list(older.context["tokens"]) == [oldest]
    assert 'rel="prev"' in older.text
    assert page.get(PAGE, {"cursor": "nonsense"}).status_code == 404


def test_a_token_without_a_name_is_not_made(page):
    for name in ("", "   ", "x" * 101):
        assert page.post(PAGE, {"name": name}).status_code == 400
    assert not ApiToken.objects.exists()


def test_the_page_revokes_ones_own_tokens_only(page, alice, charlie):
    own, foreign = ApiTokenFactory(user=alice), ApiTokenFactory(user=charlie)
    assert page.post(PAGE, {"revoke": own.pk}).url == PAGE
    for key in (foreign.pk, new_id(), "nonsense", ""):
        assert page.post(PAGE, {"revoke": key}).status_code == 404
    assert list(ApiToken.objects.filter(revoked_at=None)) == [foreign]


def test_the_page_is_for_those_who_are_signed_in(client):
    assert client.get(PAGE).url == f"/login/?next={PAGE}"


def _as(token):
    return {"Authorization": f"Token {token}"}
