"""Users and tokens in the back office: every change in the audit trail, no secret in it."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import OperationalError, connection
from django.test import Client

from accounts.models import ApiToken, User
from audit.admin_mixin import MASK
from audit.models import AuditEntry
from tests.factories.accounts import ApiTokenFactory, UserFactory
from tests.office import Office

pytestmark = pytest.mark.django_db
USERS, TOKENS, GROUPS = (
    "/admin/accounts/user/",
    "/admin/accounts/apitoken/",
    "/admin/auth/group/",
)
NEW_PASSWORD = "a-much-longer-Secret-7"


@pytest.fixture
def office(admin):
    client = Office()
    client.force_login(admin)
    return client


def told(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


def form_of(page) -> dict[str, object]:
    """What a browser would send back unchanged."""
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    values |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {name: value for name, value in values.items() if value is not False}


def test_a_user_made_in_the_admin_is_audited_without_the_password(office, admin):
    given = {"username": "bob", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert office.post(f"{USERS}add/", {**given, "usable_password": "true"}).status_code == 302
    entry = told("accounts.user.created")
    bob = User.objects.get(username="bob")
    assert (entry.actor_id, entry.target) == (admin.pk, f"accounts.user:{bob.pk}")
    assert entry.detail["values"]["password1"] == MASK
    assert entry.personal_content["username"] == {"from": None, "to": "bob"}
    assert NEW_PASSWORD not in repr(list(AuditEntry.objects.values_list()))


def test_a_changed_user_is_audited_with_what_changed(office, alice):
    group = Group.objects.create(name="readers")
    url = f"{USERS}{alice.pk}/change/"
    given = form_of(office.get(url)) | {"email": "new@example.com", "groups": [group.pk]}
    given.pop("is_active")
    assert office.post(url, given).status_code == 302
    entry = told("accounts.user.changed")
    assert sorted(entry.detail["fields"]) == ["email", "groups", "is_active"]
    assert entry.detail["values"] == {
        "is_active": {"from": True, "to": False},
        "groups": {"from": [], "to": [str(group.pk)]},
    }
    assert entry.personal_content["email"] == {
        "from": "alice@example.com",
        "to": "new@example.com",
    }


def test_nobody_is_renamed_to_what_another_is_called_but_for_capitals(office, alice, charlie):
    url = f"{USERS}{charlie.pk}/change/"
    form = form_of(office.get(url))
    assert office.post(url, form | {"username": alice.username.upper()}).status_code == 200
    assert office.post(url, form | {"username": charlie.username.upper()}).status_code == 302


def test_who_was_called_like_another_but_for_capitals_can_be_changed(office, alice):
    twin = UserFactory(username=alice.username.upper())
    url = f"{USERS}{twin.pk}/change/"
    given = form_of(office.get(url)) | {"email": "new@example.com"}
    assert office.post(url, given).status_code == 302


def test_a_form_sent_back_unchanged_is_no_change(office, alice):
    url = f"{USERS}{alice.pk}/change/"
    assert office.post(url, form_of(office.get(url))).status_code == 302
    assert not AuditEntry.objects.filter(action="accounts.user.changed").exists()


def test_deactivating_a_user_in_the_admin_closes_every_door_at_once(office, alice):
    token = ApiTokenFactory(user=alice)
    headers = {"Authorization": f"Token {token.plain}"}
    assert Client().get("/api/v1/auth/me/", headers=headers).status_code == 200
    url = f"{USERS}{alice.pk}/change/"
    given = form_of(office.get(url))
    given.pop("is_active")
    office.post(url, given)
    assert Client().get("/api/v1/auth/me/", headers=headers).status_code == 401


def test_a_password_set_in_the_admin_is_audited(office, alice):
    given = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    assert office.post(f"{USERS}{alice.pk}/password/", given).status_code == 302
    entry = told("accounts.user.changed")
    assert entry.detail == {"via": "admin", "fields": ["password"]}
    assert entry.target == f"accounts.user:{alice.pk}"


def test_a_password_that_cannot_be_audited_is_not_changed(office, alice):
    def no_trail(execute, sql, params, many, context):
        if 'INTO "audit_auditentry"' in sql:
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    given = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    with connection.execute_wrapper(no_trail):
        assert office.post(f"{USERS}{alice.pk}/password/", given).status_code == 503
    alice.refresh_from_db()
    assert not alice.check_password(NEW_PASSWORD)


def test_deleted_users_are_audited_one_by_one(office, alice, charlie):
    ApiTokenFactory(user=alice)
    assert office.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    given = {"action": "delete_selected", "_selected_action": [charlie.pk], "post": "yes"}
    assert office.post(USERS, given).status_code == 302
    deleted = AuditEntry.objects.filter(action="accounts.user.deleted").order_by("id")
    assert [one.target for one in deleted] == [
        f"accounts.user:{alice.pk}",
        f"accounts.user:{charlie.pk}",
    ]
    assert not ApiToken.objects.exists()


def test_groups_are_audited_too(office):
    office.post(f"{GROUPS}add/", {"name": "readers"})
    assert told("auth.group.created").detail["values"]["name"] == {"from": None, "to": "readers"}


def test_tokens_are_seen_and_revoked_but_not_made_or_edited(office, admin):
    token, other = ApiTokenFactory.create_batch(2)
    page = office.get(TOKENS).content.decode()
    assert token.prefix in page
    detail = office.get(f"{TOKENS}{token.pk}/change/").content.decode()
    assert token.digest not in page + detail
    assert office.get(f"{TOKENS}add/").status_code == 403
    assert office.post(f"{TOKENS}{token.pk}/change/", {"name": "x"}).status_code == 403
    given = {"action": "revoke", "_selected_action": [token.pk]}
    assert office.post(TOKENS, given).status_code == 302
    assert list(ApiToken.objects.filter(revoked_at=None)) == [other]
    assert told("accounts.token.revoked").actor_id == admin.pk


@pytest.mark.parametrize("sought", ["alice", "nonsense", "a b", "'"])
@pytest.mark.parametrize("url", [USERS, TOKENS])
def test_any_search_is_answered(office, url, sought):
    ApiTokenFactory()
    assert office.get(url, {"q": sought}).status_code == 200


@pytest.mark.parametrize("url", [USERS, TOKENS])
def test_many_rows_cost_as_many_queries_as_one(office, url, django_assert_max_num_queries):
    ApiTokenFactory.create_batch(20)
    with django_assert_max_num_queries(9):
        office.get(url)


def test_staff_without_permission_change_no_user(alice):
    client = Office()
    client.force_login(UserFactory(is_staff=True))
    assert client.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert not AuditEntry.objects.exists()


def test_the_last_administrator_can_neither_be_deleted_nor_shut_out(office, admin, alice):
    url = f"{USERS}{admin.pk}/"
    given = form_of(office.get(f"{url}change/"))
    for name in ("is_active", "is_staff", "is_superuser"):
        page = office.post(f"{url}change/", {key: given[key] for key in given if key != name})
        assert (page.status_code, "only administrator" in page.content.decode()) == (200, True)
    office.post(f"{url}delete/", {"post": "yes"})
    office.post(USERS, {"action": "delete_selected", "_selected_action": [admin.pk], "post": "yes"})
    admin.refresh_from_db()
    assert admin.is_active and admin.is_staff and admin.is_superuser
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    assert office.post(f"{url}delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=admin.pk).exists()


def test_the_trail_says_by_their_names_which_permissions_were_given_and_taken(office, alice):
    given, taken = (
        Permission.objects.get(codename=f"view_{name}") for name in ("modelcall", "auditentry")
    )
    readers = Group.objects.create(name="readers")
    readers.permissions.add(taken)
    office.post(f"{GROUPS}{readers.pk}/change/", {"name": "readers", "permissions": [given.pk]})
    change = {"from": ["audit.view_auditentry"], "to": ["llms.view_modelcall"]}
    assert told("auth.group.changed").detail["values"] == {"permissions": change}
    url = f"{USERS}{alice.pk}/change/"
    office.post(url, form_of(office.get(url)) | {"user_permissions": [given.pk]})
    change = {"from": [], "to": ["llms.view_modelcall"]}
    assert told("accounts.user.changed").detail["values"] == {"user_permissions": change}


@pytest.fixture
def clerk():
    """May change users and groups, and is in one."""
    rights = Permission.objects.filter(content_type__model__in=["user", "group"])
    clerks = Group.objects.create(name="clerks")
    clerks.permissions.set(rights)
    user = UserFactory(username="clerk", is_staff=True)
    user.groups.add(clerks)
    client = Office()
    client.force_login(user)
    return client


def test_nobody_is_led_to_a_page_for_new_users_that_is_closed_to_them():
    user, office = UserFactory(is_staff=True), Office()
    office.force_login(user)
    for codename, shown in (("view_user", False), ("add_user", False), ("change_user", True)):
        user.user_permissions.add(Permission.objects.get(codename=codename))
        assert (office.get(f"{USERS}add/").status_code == 200) is shown
        for page in ("/admin/", USERS):
            assert (f'href="{USERS}add/' in office.get(page).text) is shown


def test_staff_who_are_no_administrators_make_nobody_more_than_they_were(clerk, alice):
    url = f"{USERS}{alice.pk}/change/"
    rights = {"email": "new@example.com", "is_staff": "on", "is_superuser": "on"}
    assert clerk.post(url, form_of(clerk.get(url)) | rights).status_code == 302
    alice.refresh_from_db()
    assert (alice.email, alice.is_staff, alice.is_superuser) == ("new@example.com", False, False)
    clerks = Group.objects.get()
    before = clerks.permissions.count()
    more = {"name": "clerks", "permissions": list(Permission.objects.values_list("pk", flat=True))}
    assert clerk.post(f"{GROUPS}{clerks.pk}/change/", more).status_code == 302
    assert clerks.permissions.count() == before


def test_staff_who_are_no_administrators_take_over_nobody_of_the_staff(clerk, admin):
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    for one in (admin, User.objects.get(username="clerk")):
        known = one.password
        assert clerk.post(f"{USERS}{one.pk}/password/", passwords).status_code == 403
        assert clerk.post(f"{USERS}{one.pk}/change/", {"is_superuser": "on"}).status_code == 403
        assert clerk.post(f"{USERS}{one.pk}/delete/", {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [one.pk], "post": "yes"}
        clerk.post(USERS, chosen)
        one.refresh_from_db()
        assert (one.password, one.is_superuser) == (known, one == admin)
