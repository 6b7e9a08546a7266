"""`manage.py verify_audit` names the first row that was tampered with."""

import json

import pytest
from django.core.management import call_command
from django.db import connection

from audit.checkpoints import note_checkpoint
from audit.guards import lift_guards
from audit.models import AuditEntry, AuditHead
from audit.sealing import seal_entries
from privacy.services.erasing import erase_user
from tests.factories.audit import write_entries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def intruder(db: None) -> None:
    """Somebody who may do everything in the database."""
    lift_guards(connection)


def verdict(capsys) -> dict:
    """What the command says, and its exit status."""
    status = 0
    try:
        call_command("verify_audit", "--json")
    except SystemExit as stopped:
        status = stopped.code
    return {**json.loads(capsys.readouterr().out), "status": status}


NUMBERED = " WHERE id IN (SELECT group_id FROM audit_auditseal WHERE seq BETWEEN %s AND %s)"


def sql(statement: str, *between: int) -> None:
    """Of the entries between two numbers, or of all."""
    with connection.cursor() as cursor:
        cursor.execute(statement + (NUMBERED if between else ""), between)


def test_an_empty_trail_is_whole(capsys):
    assert verdict(capsys)["ok"]


def test_an_untouched_trail_is_whole_and_says_where_it_ends(capsys):
    write_entries(5)
    found = verdict(capsys)
    head = AuditHead.objects.get()
    assert (found["status"], found["entries"], found["fault"]) == (0, 5, "")
    assert (found["head_seq"], found["head_seal"]) == (5, head.seal)


def test_without_json_it_speaks_english(capsys):
    write_entries(2)
    call_command("verify_audit")
    assert "whole: 2 entries" in capsys.readouterr().out
    sql("DELETE FROM audit_auditentry", 1, 1)
    with pytest.raises(SystemExit, match="1"):
        call_command("verify_audit")
    assert "Row 1 was deleted" in capsys.readouterr().out


def test_an_edited_row_is_named(capsys):
    write_entries(5)
    sql("UPDATE audit_auditentry SET action = 'tests.harmless'", 3, 3)
    found = verdict(capsys)
    assert (found["status"], found["bad_seq"], found["fault"]) == (1, 3, "edited")


def test_a_row_that_cannot_be_read_any_more_is_named(capsys):
    write_entries(5)
    if connection.vendor == "postgresql":
        sql("UPDATE audit_auditentry SET at = 'infinity'", 3, 3)
    else:
        sql("UPDATE audit_auditentry SET at = '2026-99-99'", 3, 3)
    assert verdict(capsys)["bad_seq"] == 3


ENTRY, SEAL = "audit_auditentry SET", "audit_auditseal SET"
ILLEGIBLE = [
    (f"{ENTRY} action = X'ff'", 3, "edited", 3),
    (f"{ENTRY} target = CAST(X'ff' AS TEXT)", 3, "edited", 3),
    (f"{ENTRY} detail = 'no JSON'", 3, "edited", 3),
    (f"{ENTRY} hash = CAST(X'ff' AS TEXT)", 5, "edited", 5),
    (f"{SEAL} seal = CAST(X'ff' AS TEXT)", 3, "edited", 3),
    (f"{SEAL} seq = 'abc'", 5, "edited", 5),
    (f"{SEAL} seq = 9e999", 5, "edited", 5),
    (f"{ENTRY} position = 'abc'", 3, "edited", 3),
    ("audit_audithead SET seq = 'abc'", None, "headless", None),
    ("audit_audithead SET seal = X'ff'", None, "headless", None),
    ("audit_auditcheckpoint SET seq = X'ff'", None, "forged", None),
    ("audit_auditcheckpoint SET seal = CAST(X'ff' AS TEXT)", None, "forged", None),
    ("audit_auditcheckpoint SET at = 'abc'", None, "forged", None),
]
if connection.vendor == "postgresql":  # which lets in less
    ILLEGIBLE = [("audit_auditcheckpoint SET at = 'infinity'", None, "forged", None)]
ILLEGIBLE += [
    (f"{ENTRY} detail = '{'[' * 3000}{']' * 3000}'", 3, "edited", 3),
    (f"{ENTRY} detail = '{'9' * 5000}'", 3, "edited", 3),
]


@pytest.mark.parametrize(("change", "seq", "fault", "bad_seq"), ILLEGIBLE)
def test_whatever_somebody_wrote_into_a_column_is_named(capsys, change, seq, fault, bad_seq):
    write_entries(5)
    note_checkpoint()
    rows = {ENTRY: " WHERE id IN (SELECT group_id FROM audit_auditseal WHERE seq = {})"}
    where = rows.get(" ".join(change.split()[:2]), " WHERE seq = {}").format(seq) if seq else ""
    sql(f"UPDATE {change}{where}")
    found = verdict(capsys)
    assert (found["status"], found["fault"], found["bad_seq"]) == (1, fault, bad_seq)


def test_a_number_that_is_too_great_is_not_taken_for_none(capsys):
    write_entries(3, detail={"limit": None})
    sql("UPDATE audit_auditentry SET detail = '{\"limit\": 1e999}'", 2, 2)
    assert verdict(capsys)["bad_seq"] == 2


@pytest.mark.skipif(connection.vendor == "postgresql", reason="its ids are always readable")
def test_a_row_put_there_with_an_id_that_is_none_is_found(capsys):
    write_entries(2)
    sql(
        "INSERT INTO audit_auditentry (id, at, action, outcome, target, detail, personal_hash,"
        " request_id, hash, position) SELECT 'none', at, action, outcome, target, detail,"
        " personal_hash, request_id, hash, 0 FROM audit_auditentry",
        *(1, 1),
    )
    found = verdict(capsys)
    assert (found["status"], found["entries"], found["fault"]) == (1, 2, "edited")


def test_a_deleted_row_is_named(capsys):
    write_entries(5)
    sql("DELETE FROM audit_auditentry", 2, 3)
    found = verdict(capsys)
    assert (found["bad_seq"], found["fault"]) == (2, "missing")


def test_a_deleted_tail_is_named_because_the_head_knows(capsys):
    write_entries(5)
    sql("DELETE FROM audit_auditentry", 4, 5)
    found = verdict(capsys)
    assert (found["bad_seq"], found["fault"]) == (4, "missing")


def test_a_wiped_trail_is_not_an_empty_one(capsys):
    write_entries(5)
    sql("DELETE FROM audit_auditentry")
    assert verdict(capsys)["bad_seq"] == 1
    sql("DELETE FROM audit_audithead")
    found = verdict(capsys)
    assert (found["status"], found["fault"]) == (1, "headless")


def test_another_whole_trail_in_its_place_is_found(capsys):
    write_entries(5)
    old_head = AuditHead.objects.get()
    sql("DELETE FROM audit_auditentry")
    sql("DELETE FROM audit_auditseal")
    AuditHead.objects.update(seq=0, seal="0" * 64)
    write_entries(5)
    AuditHead.objects.update(seq=old_head.seq, seal=old_head.seal)
    found = verdict(capsys)
    assert (found["bad_seq"], found["fault"]) == (5, "rewritten")


def test_an_edited_personal_part_is_named(capsys):
    write_entries(3, personal={"name": "Ann"})
    changed = AuditEntry.objects.get(seq=3).personal
    changed["content"]["name"] = "Bob"
    AuditEntry.objects.filter(seq=3).update(personal=changed)
    assert verdict(capsys)["bad_seq"] == 3


def test_a_personal_part_that_no_erasure_has_blanked_is_named(capsys, alice, charlie):
    for by in (alice, charlie, alice, charlie):
        write_entries(1, actor=by, personal={"name": "Ann"})
    erase_user(alice, confirm=alice.username, settle_s=0)
    seal_entries()
    found = verdict(capsys)
    assert (found["status"], found["erased"], found["untold"]) == (0, 2, 0)
    AuditEntry.objects.filter(seq__in=(2, 4)).update(personal=None)
    found = verdict(capsys)
    assert (found["status"], found["fault"], found["bad_seq"]) == (1, "blanked", 2)
    assert (found["erased"], found["untold"]) == (4, 2)


def test_entries_that_arrive_during_the_walk_are_not_a_fault(capsys):
    write_entries(3)
    arrived = []

    def arrive_before_the_walk(execute, statement, params, many, context):
        if "ORDER BY" in statement and "audit_auditentry" in statement and not arrived:
            arrived.append(True)
            write_entries(1)
        return execute(statement, params, many, context)

    with connection.execute_wrapper(arrive_before_the_walk):
        found = verdict(capsys)
    assert (found["ok"], found["entries"], arrived) == (True, 4, [True])
