"""The audit trail in the back office: read-only, searchable."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEntry
from tests.factories.accounts import UserFactory
from tests.factories.audit import write_entries

pytestmark = pytest.mark.django_db
LIST = "/admin/audit/auditentry/"


@pytest.fixture
def office(admin):
    client = Client()
    client.force_login(admin)
    return client


def test_the_list_names_who_acted_and_leads_to_what_was_changed(office, alice):
    write_entries(1, actor=alice, target=alice)
    page = office.get(LIST).content.decode()
    assert "alice" in page
    assert reverse("admin:accounts_user_change", args=[alice.pk]) in page


@pytest.mark.parametrize("sought", ["tests.thing:sought", "no-such-id", "a b", "'", "%"])
def test_any_search_is_answered(office, sought):
    write_entries(1, target="tests.thing:sought")
    assert office.get(LIST, {"q": sought}).status_code == 200


def test_entries_are_found_by_the_id_of_who_acted(office, alice):
    write_entries(1, actor=alice, target="tests.thing:sought")
    write_entries(1, target="tests.thing:other")
    page = office.get(LIST, {"q": str(alice.pk)}).content.decode()
    assert "tests.thing:sought" in page
    assert "tests.thing:other" not in page


def test_entries_are_filtered_by_app_and_outcome(office):
    write_entries(1, action="llms.price.created", outcome="denied", target="here:1")
    write_entries(1, action="accounts.user.created", target="there:1")
    page = office.get(LIST, {"app": "llms", "outcome__exact": "denied"}).content.decode()
    assert "here:1" in page
    assert "there:1" not in page


def test_an_entry_shows_everything_but_the_salt(office):
    write_entries(1, personal={"name": "Ann"})
    entry = AuditEntry.objects.get()
    page = office.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert "Ann" in page
    assert entry.hash in page
    assert entry.personal["salt"] not in page
    AuditEntry.objects.update(personal=None)
    assert "erased" in office.get(f"{LIST}{entry.pk}/change/").content.decode()


def test_not_even_an_administrator_changes_an_entry(office):
    write_entries(1)
    entry = AuditEntry.objects.get()
    change = f"{LIST}{entry.pk}/change/"
    assert office.get(f"{LIST}add/").status_code == 403
    assert office.post(change, {"action": "forged"}).status_code == 403
    assert office.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    office.post(LIST, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert AuditEntry.objects.get().action == entry.action


def test_staff_without_the_permission_do_not_see_it():
    client = Client()
    client.force_login(UserFactory(is_staff=True))
    assert client.get(LIST).status_code == 403
