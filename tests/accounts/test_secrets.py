"""Secrets: kept, replaced and deleted by their owner; what they are is never told."""

import logging

import pytest
from django.contrib.auth.models import Permission

from accounts.models import Secret
from accounts.services.secrets import create_secret, delete_secret, replace_secret
from audit.models import AuditEntry
from core.errors import NotFound
from core.models import new_id
from tests.factories.accounts import UserFactory
from tests.office import Office

pytestmark = pytest.mark.django_db
SECRETS = "/api/v1/secrets/"
VALUE = "s3cret-Value-of-alice"
GITHUB = {"name": "github", "value": VALUE, "hosts": ["API.GitHub.com", "api.github.com"]}


@pytest.fixture
def kept(alice):
    return create_secret(owner=alice, name="github", value=VALUE, hosts=["api.github.com"])


def test_a_secret_is_kept_encrypted_and_told_without_its_value(api, alice, caplog):
    with caplog.at_level(logging.DEBUG):
        made = api(alice).post(SECRETS, GITHUB)
        listed = api(alice).get(SECRETS)
    assert made.status_code == 201, made.json()
    assert made.json()["hosts"] == ["api.github.com"]
    assert listed.json()["results"] == [made.json()]
    assert set(made.json()) == {
        *("id", "name", "hosts", "created_at", "updated_at", "last_used_at"),
    }
    assert Secret.objects.get().value == VALUE
    raw = Secret.objects.raw("SELECT id, value AS encrypted FROM accounts_secret")[0]
    assert VALUE not in raw.encrypted
    entry = AuditEntry.objects.get(action="accounts.secret.created")
    assert entry.personal_content["hosts"] == ["api.github.com"]
    assert VALUE not in repr(list(AuditEntry.objects.values_list())) + caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"hosts": []},
        {"hosts": ["https://api.github.com/"]},
        {"hosts": ["api.github.com:443"]},
        {"hosts": ["*"]},
        {"value": ""},
        {"value": "abc"},
        {"value": "two\nlines"},
        {"value": " around "},
        {"name": "with space"},
        {"name": ""},
        {"name": "x" * 33},
        {"owner": "charlie"},
    ],
)
def test_what_is_no_secret_is_refused_without_repeating_it(api, alice, wrong):
    answer = api(alice).post(SECRETS, {**GITHUB, **wrong})
    assert answer.status_code == 400, answer.json()
    assert VALUE not in answer.text
    assert not Secret.objects.exists()


def test_a_name_is_taken_once_by_each(api, alice, charlie, kept):
    again = api(alice).post(SECRETS, GITHUB)
    assert (again.status_code, again.json()["code"]) == (409, "secret_exists")
    assert api(charlie).post(SECRETS, GITHUB).status_code == 201


def test_value_and_hosts_change_only_together(api, alice, kept):
    partly = api(alice).put(f"{SECRETS}github/", {"hosts": ["evil.example"]})
    assert partly.status_code == 400
    whole = {"value": "another-Value", "hosts": ["git.example"]}
    changed = api(alice).put(f"{SECRETS}github/", whole)
    assert (changed.status_code, changed.json()["hosts"]) == (200, ["git.example"])
    kept.refresh_from_db()
    assert kept.value == "another-Value"
    assert AuditEntry.objects.get(action="accounts.secret.replaced").actor_id == alice.pk


def test_a_secret_is_deleted_by_name_or_id(api, alice, kept):
    assert api(alice).delete(f"{SECRETS}{kept.pk}/").status_code == 204
    again = create_secret(owner=alice, name="github", value=VALUE, hosts=["api.github.com"])
    assert api(alice).delete(f"{SECRETS}{again.name}/").status_code == 204
    assert AuditEntry.objects.filter(action="accounts.secret.deleted").count() == 2


def test_a_secret_that_was_deleted_meanwhile_cannot_be_replaced(alice, kept):
    delete_secret(Secret.objects.get(pk=kept.pk), by=alice)
    with pytest.raises(NotFound):
        replace_secret(kept, value=VALUE, hosts=["api.github.com"], by=alice)


def test_the_secret_of_another_looks_like_none_at_all_even_to_staff(api, charlie, admin, kept):
    for user in (charlie, admin):
        assert api(user).get(SECRETS).json()["results"] == []
        for key in ("github", kept.pk, new_id(), "gitlab"):
            body = {"value": "another", "hosts": ["x.example"]}
            answers = [
                api(user).put(f"{SECRETS}{key}/", body),
                api(user).delete(f"{SECRETS}{key}/"),
            ]
            for answer in answers:
                assert (answer.status_code, answer.json()["code"]) == (404, "secret_not_found")
    kept.refresh_from_db()
    assert kept.value == VALUE


def test_the_back_office_takes_a_value_and_never_shows_it(admin, kept):
    office = Office()
    office.force_login(admin)
    url = f"/admin/accounts/secret/{kept.pk}/change/"
    for page in (url, "/admin/accounts/secret/"):
        shown = office.get(page)
        assert shown.status_code == 200
        assert VALUE not in shown.text
    assert office.post(url, {"hosts": "api.github.com", "value": ""}).status_code == 302
    kept.refresh_from_db()
    assert kept.value == VALUE
    assert not AuditEntry.objects.filter(action="accounts.secret.changed").exists()
    office.post(url, {"hosts": "evil.example", "value": ""})
    kept.refresh_from_db()
    assert (kept.hosts, kept.value) == (["api.github.com"], VALUE)
    moved = office.post(url, {"hosts": "git.example\napi.github.com", "value": "A-new-value"})
    assert moved.status_code == 302
    kept.refresh_from_db()
    assert (kept.hosts, kept.value) == (["git.example", "api.github.com"], "A-new-value")
    entry = AuditEntry.objects.get(action="accounts.secret.changed")
    assert entry.detail["values"]["value"] == "***"


@pytest.mark.parametrize("may", [["view"], ["view", "add"], ["view", "delete"], ["view", "change"]])
def test_the_back_office_shows_no_value_whatever_one_may_do(kept, may):
    sam, office = UserFactory(is_staff=True), Office()
    names = [f"{verb}_secret" for verb in may]
    sam.user_permissions.set(Permission.objects.filter(codename__in=names))
    office.force_login(sam)
    shown = office.get(f"/admin/accounts/secret/{kept.pk}/change/")
    assert shown.status_code == 200
    assert "api.github.com" in shown.text
    assert VALUE not in shown.text


def test_the_back_office_makes_one_for_somebody(admin, alice):
    office = Office()
    office.force_login(admin)
    given = {"owner": alice.pk, "name": "mail", "value": VALUE, "hosts": "mail.example"}
    made = office.post("/admin/accounts/secret/add/", given)
    assert made.status_code == 302, made.context["adminform"].form.errors
    assert Secret.objects.get(owner=alice, name="mail").value == VALUE
    assert VALUE not in repr(list(AuditEntry.objects.values_list()))
