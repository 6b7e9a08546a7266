"""What is written at once is sealed at once; each entry of it has a number of its own."""

import html
import re

import pytest
from django.db import connection, transaction

from analytics.system import system_now
from audit.guards import lift_guards
from audit.links import check_tail
from audit.models import AuditEntry, AuditSeal
from audit.record import record_many
from audit.sealing import seal_entries
from audit.verdict import Broken
from core.models import new_id
from tests.factories.audit import EntryFactory
from tests.plans import plans

pytestmark = pytest.mark.django_db


def write_groups(*lengths: int) -> None:
    for length in lengths:
        with transaction.atomic():
            record_many(EntryFactory.build_batch(length))


def test_what_is_written_at_once_has_one_seal_and_consecutive_numbers():
    write_groups(3, 1, 2)
    seal_entries()
    told = list(AuditEntry.objects.in_order().values_list("seq", "seal"))
    assert [seq for seq, _ in told] == [1, 2, 3, 4, 5, 6]
    first, second, third = AuditSeal.objects.order_by("seq").values_list("seal", flat=True)
    assert [seal for _, seal in told] == [first] * 3 + [second] + [third] * 2


@pytest.mark.parametrize(("first", "last"), [(1, 6), (2, 2), (2, 5), (3, 4), (5, 9), (7, 9)])
def test_entries_are_found_by_their_numbers_wherever_a_group_begins(first, last):
    write_groups(3, 1, 2)
    seal_entries()
    found = [entry.seq for entry in AuditEntry.objects.in_order(first, last)]
    assert found == list(range(first, min(last, 6) + 1))


def test_entries_are_found_by_their_numbers_without_a_look_at_all_of_them():
    write_groups(3, 1, 2)
    seal_entries()
    with plans(AuditEntry) as steps:
        list(AuditEntry.objects.in_order(3, 4))
    assert [step for step in steps if step.startswith("SCAN")] == []


def test_entries_that_wait_for_their_seal_are_counted_one_by_one():
    assert system_now().unsealed_entries == 0
    write_groups(3, 1, 2)
    assert system_now().unsealed_entries == 6
    seal_entries()
    assert system_now().unsealed_entries == 0


@pytest.mark.parametrize(("asked", "entries"), [(1, 2), (2, 3), (3, 6), (9, 6)])
def test_a_look_at_the_end_begins_with_a_group(asked, entries):
    write_groups(3, 1, 2)
    seal_entries()
    assert check_tail(asked) == (entries, 6)
    lift_guards(connection)
    AuditEntry.objects.filter(seq=7 - entries).update(action="tests.thing.harmless")
    with pytest.raises(Broken, match=f"Row {7 - entries} was edited"):
        check_tail(asked)


def test_a_look_at_the_end_sees_a_seal_that_no_entry_has():
    write_groups(3, 1)
    seal_entries()
    AuditSeal.objects.create(seq=1_000, group_id=new_id(), seal="f" * 64)
    with pytest.raises(Broken, match="Row 5 is not there"):
        check_tail(2)


def test_a_look_at_the_end_survives_what_cannot_be_read():
    write_groups(3, 1)
    seal_entries()
    lift_guards(connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET detail = %s", ["[" * 3_000 + "]" * 3_000])
    with pytest.raises(Broken, match="Row 1 was edited|cannot be read"):  # as Python has it
        check_tail(2)


def test_the_page_of_what_happens_now_leads_to_those_that_wait(admin_client):
    write_groups(1)
    seal_entries()
    write_groups(2)
    page = admin_client.get("/analytics/live/").content.decode()
    link = re.search(r'href="(/admin/audit/[^"]+\?[^"]+)"', page)
    shown = admin_client.get(html.unescape(link.group(1))).content.decode()
    entries = AuditEntry.objects.values_list("pk", "seq")
    assert {pk for pk, _ in entries if str(pk) in shown} == {pk for pk, seq in entries if not seq}
