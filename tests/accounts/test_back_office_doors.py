"""The back office has no doors of its own: in, out and the password go the way of the pages."""

import pytest
from django.contrib.auth import get_user
from django.test import Client

from audit.models import AuditEntry
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "a-much-longer-Secret-7"


def test_signing_in_for_the_back_office_leads_into_it(client, admin):
    at_the_door = client.get("/admin/", follow=True)
    credentials = {"username": "ada", "password": PASSWORD}
    address = at_the_door.request["PATH_INFO"] + "?" + at_the_door.request["QUERY_STRING"]
    inside = client.post(address, credentials, follow=True)
    assert (inside.status_code, inside.request["PATH_INFO"]) == (200, "/admin/")
    assert AuditEntry.objects.filter(action="accounts.session.opened").count() == 1


def test_who_is_signed_in_but_not_staff_is_refused_and_not_sent_in_circles(client, alice):
    client.force_login(alice)
    assert client.get("/admin/", follow=True).status_code == 403


def test_leaving_the_back_office_is_audited(client, admin):
    client.force_login(admin)
    assert client.post("/admin/logout/").url == "/login/"
    assert get_user(client).is_anonymous
    assert AuditEntry.objects.get().action == "accounts.session.closed"


def test_changing_ones_own_password_is_audited(admin):
    client = Client()
    client.force_login(admin)
    given = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post("/admin/password_change/", given).status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id) == ("accounts.user.changed", admin.pk)
    assert entry.detail == {"fields": ["password"]}
    admin.refresh_from_db()
    assert admin.check_password(NEW_PASSWORD)
