"""Writing entries: with the act, numbered, complete, or not at all."""

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from audit import context
from audit.context import RequestContext
from audit.models import AuditEntry
from audit.record import Entry, entry, record, record_many
from audit.verification import verify
from core.models import new_id
from tests.factories.accounts import UserFactory
from tests.factories.audit import EntryFactory, write_entries

pytestmark = pytest.mark.django_db


# transaction: without, the test itself would be the transaction that is missing
@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        record("tests.thing.done")
    assert not AuditEntry.objects.exists()


def test_an_act_that_rolls_back_leaves_no_entry_and_no_gap():
    write_entries(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record("tests.thing.undone")
        _ = 1 / 0
    write_entries(1)
    assert list(AuditEntry.objects.order_by("id").values_list("seq", flat=True)) == [1, 2]
    assert verify().ok


def test_an_entry_takes_actor_request_id_and_address_from_the_context():
    actor = new_id()
    with context.bound(RequestContext("request-1", actor, "192.0.2.7")):
        record("tests.thing.done")
    written = AuditEntry.objects.get()
    assert (written.actor_id, written.request_id) == (actor, "request-1")
    assert written.personal_content == {"address": "192.0.2.7"}


def test_what_the_caller_says_goes_before_the_context():
    user = UserFactory()
    with context.bound(RequestContext("request-1", new_id(), "192.0.2.7")):
        record("tests.thing.done", actor=user, target=user, request_id="", personal={"name": "Ann"})
    written = AuditEntry.objects.get()
    assert (written.actor_id, written.request_id) == (user.pk, "")
    assert written.target == f"accounts.user:{user.pk}"
    assert written.personal_content == {"address": "192.0.2.7", "name": "Ann"}


def test_an_act_that_is_written_later_keeps_the_context_it_happened_in():
    with context.bound(RequestContext("request-1", None, "192.0.2.7")):
        act = entry("tests.thing.done")
    with context.bound(RequestContext("request-2", new_id(), "192.0.2.8")):
        record_many([act, Entry("tests.thing.known")])
    known, done = AuditEntry.objects.all()
    assert (done.request_id, done.personal_content) == ("request-1", {"address": "192.0.2.7"})
    assert (known.request_id, known.actor_id, known.personal) == ("", None, None)


def test_two_hundred_entries_cost_no_more_queries_than_one(django_assert_num_queries):
    entries = EntryFactory.build_batch(200)
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 2):
        record_many(entries)
    assert verify().unsealed == 200


def test_no_entries_touch_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        record_many([])


@pytest.mark.parametrize(
    "detail", [{"cost": 0.1}, {1: "one"}, {"when": object()}, {"deep": [{"cost": 0.1}]}]
)
def test_what_json_would_round_or_guess_is_refused(detail):
    with pytest.raises(TypeError), transaction.atomic():
        record("tests.thing.done", detail=detail)
    assert not AuditEntry.objects.exists()


def test_text_that_postgresql_cannot_hold_is_cleaned():
    record("tests.thing.done", target="a\0b", detail={"na\0me": ["x\0y", "half \ud800"]})
    written = AuditEntry.objects.get()
    assert written.target == "ab"
    assert written.detail == {"name": ["xy", "half ?"]}
    assert verify().ok


def test_the_same_personal_content_has_another_hash_each_time():
    write_entries(2, personal={"name": "Ann"})
    first, second = AuditEntry.objects.values_list("personal_hash", flat=True)
    assert first != second
