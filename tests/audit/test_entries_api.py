"""The audit trail over the API: all of it for staff, none of it for others."""

import pytest

from audit.models import AuditEntry
from core.models import new_id
from tests.factories.accounts import UserFactory
from tests.factories.audit import write_entries

pytestmark = pytest.mark.django_db
URL = "/api/v1/audit/entries/"


@pytest.fixture
def staff_api(api, admin):
    client = api(admin)
    AuditEntry.objects.all().delete()
    return client


def test_staff_read_the_entries_newest_first(staff_api, admin):
    write_entries(2, actor=admin, personal={"name": "Ann"})
    newest, older = staff_api.get(URL).json()["results"]
    assert newest["seq"] == older["seq"] + 1
    assert newest["seal"] != older["seal"]
    assert (newest["actor"], newest["actor_name"]) == (str(admin.pk), "ada")
    assert newest["personal"] == {"name": "Ann"}  # and not its salt


def test_who_is_not_staff_is_refused(api, alice):
    answer = api(alice).get(URL)
    assert (answer.status_code, answer.json()["code"]) == (403, "refused")


def test_no_entry_is_visible_to_who_is_not_staff_or_not_active_any_more(alice):
    write_entries(1)
    assert not AuditEntry.objects.visible_to(alice).exists()
    gone = UserFactory(is_staff=True, is_active=False)
    assert not AuditEntry.objects.visible_to(gone).exists()


def test_who_is_nobody_is_asked_to_sign_in(client):
    answer = client.get(URL)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_changes_an_entry(staff_api, method):
    assert getattr(staff_api, method)(URL, {}).status_code == 405


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("action", "action", "tests.thing.sought"),
        ("actor", "actor", new_id()),
        ("target", "target", "tests.thing:sought"),
        ("request_id", "request_id", "sought"),
    ],
)
def test_entries_are_found_by_what_they_say(staff_api, name, field, value):
    write_entries(2)
    write_entries(1, **{field: value})
    (found,) = staff_api.get(URL, {name: value}).json()["results"]
    assert found[field] == str(value)


def test_filters_add_up(staff_api):
    write_entries(1, action="tests.thing.sought", request_id="one")
    write_entries(1, action="tests.thing.sought", request_id="two")
    sought = {"action": "tests.thing.sought", "request_id": "two"}
    (found,) = staff_api.get(URL, sought).json()["results"]
    assert found["request_id"] == "two"


def test_a_filter_that_makes_no_sense_is_an_error_and_not_everything(staff_api):
    answer = staff_api.get(URL, {"actor": "nobody"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["detail"]["errors"][0]["path"] == "actor"


def test_pages_lead_through_all_entries_once_while_more_arrive(staff_api):
    write_entries(5)
    seen, url = [], f"{URL}?page_size=2"
    while url:
        page = staff_api.get(url).json()
        seen += [one["seq"] for one in page["results"]]
        url = page["next"]
        write_entries(1)
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5


def test_many_entries_cost_as_many_queries_as_one(staff_api, django_assert_num_queries):
    for count in (1, 20):
        write_entries(count, actor=UserFactory())
        with django_assert_num_queries(3):  # session, user, entries
            assert staff_api.get(URL).status_code == 200
