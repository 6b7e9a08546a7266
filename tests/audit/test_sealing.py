"""Entries are numbered and chained after their act, in order, once, whoever does it."""

import threading

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connection, transaction

from audit import chores
from audit.models import AuditEntry, AuditHead
from audit.record import record, record_many
from audit.sealing import HeadMissing, seal_entries
from audit.verification import verify
from tests.factories.audit import EntryFactory, write_entries

pytestmark = pytest.mark.django_db


def numbers() -> list[int | None]:
    return list(AuditEntry.objects.order_by("id").values_list("seq", flat=True))


def test_what_was_recorded_is_numbered_in_its_order():
    with transaction.atomic():
        record_many(EntryFactory.build_batch(3))
    assert numbers() == [None] * 3
    assert seal_entries() == 3
    record("tests.thing.done")
    assert (verify().entries, verify().unsealed) == (3, 1)
    assert seal_entries() == 1
    assert numbers() == [1, 2, 3, 4]
    assert AuditHead.objects.get().seal == AuditEntry.objects.get(seq=4).seal
    assert verify().ok


def test_when_nothing_is_left_nothing_is_done(django_assert_num_queries):
    write_entries(2)
    with django_assert_num_queries(1):
        assert seal_entries() == 0


def test_many_are_sealed_in_parts():
    with transaction.atomic():
        record_many(EntryFactory.build_batch(4_500))
    assert seal_entries() == 4_500
    assert (verify().ok, verify().entries) == (True, 4_500)


# transaction: several connections
@pytest.mark.django_db(transaction=True)
def test_of_many_who_seal_at_the_same_time_each_entry_is_sealed_by_one(production_profile):
    def work() -> None:
        for _ in range(10):
            with transaction.atomic():
                record_many(EntryFactory.build_batch(3))
            seal_entries()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seal_entries()
    assert sorted(numbers()) == list(range(1, 121))
    assert (verify().ok, verify().unsealed) == (True, 0)


def test_a_chain_without_a_head_is_not_gone_on_with_until_it_is_migrated():
    connection.cursor().execute("DELETE FROM audit_audithead")
    record("tests.thing.done")
    with pytest.raises(HeadMissing):
        seal_entries()
    assert verify().fault == "headless"
    call_command("migrate", "audit", verbosity=0)
    assert (seal_entries(), verify().ok) == (1, True)


# transaction: the chore has a thread of its own for the database
@pytest.mark.django_db(transaction=True)
def test_whoever_hosts_a_pump_seals_and_signs():
    with transaction.atomic():
        record_many(EntryFactory.build_batch(2))
    async_to_sync(chores.seal_what_was_recorded.work)()
    async_to_sync(chores.sign_the_chain.work)()
    verdict = verify()
    assert (verdict.ok, verdict.entries, verdict.checkpoints) == (True, 2, 1)
