"""The database itself refuses to change what was recorded."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.checkpoints import note_checkpoint
from audit.guards import install_guards, lift_guards, missing_guards
from audit.models import AuditEntry
from audit.record import record
from audit.sealing import seal_entries
from audit.verification import verify
from tests.factories.audit import write_entries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def guarded() -> None:
    """Tests lack some of the guards; see `django_db_setup`."""
    install_guards(connection)


def sql(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_auditentry",
        "DELETE FROM audit_auditentry WHERE id IN (SELECT group_id FROM audit_auditseal)",
        "UPDATE audit_auditentry SET action = 'tests.thing.harmless'",
        "UPDATE audit_auditentry SET actor_id = NULL",
        "UPDATE audit_auditentry SET detail = '{}'",
        "UPDATE audit_auditentry SET hash = request_id",
        "DELETE FROM audit_auditseal WHERE seq = 2",
        "UPDATE audit_auditseal SET seq = seq + 10",
        "UPDATE audit_auditseal SET seal = 'x'",
        """UPDATE audit_auditentry SET personal = '{"name": "Bob"}'""",
        "DELETE FROM audit_audithead",
        "DELETE FROM audit_auditcheckpoint",
        "UPDATE audit_auditcheckpoint SET seq = seq + 1",
    ],
)
def test_changes_are_refused(statement):
    write_entries(3, personal={"name": "Ann"})
    note_checkpoint()
    with pytest.raises(DatabaseError, match="append-only"):
        sql(statement)
    assert (verify().ok, verify().entries, verify().checkpoints) == (True, 3, 1)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="It has no REPLACE.")
@pytest.mark.parametrize(
    "statement",
    [
        "INTO audit_auditentry SELECT * FROM audit_auditentry",
        "INTO audit_auditseal SELECT seq, group_id, hashes, 'x' FROM audit_auditseal",
        "INTO audit_auditseal SELECT seq + 10, group_id, hashes, seal FROM audit_auditseal",
        "INTO audit_auditcheckpoint SELECT * FROM audit_auditcheckpoint",
    ],
)
def test_no_row_takes_the_place_of_another(statement):
    write_entries(3)
    note_checkpoint()
    with pytest.raises(DatabaseError, match="append-only"):
        sql(f"REPLACE {statement}")
    assert (verify().ok, verify().entries, verify().checkpoints) == (True, 3, 1)


@pytest.mark.parametrize("table", ["entry", "seal", "head", "checkpoint"])
def test_no_table_is_emptied(table):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE.")
    write_entries(2)
    with pytest.raises(DatabaseError, match="append-only"):
        sql(f"TRUNCATE audit_audit{table}")
    assert verify().entries == 2


def test_recording_sealing_and_blanking_what_is_personal_are_not_refused():
    record("tests.thing.done", personal={"name": "Ann"})
    assert seal_entries() == 1
    AuditEntry.objects.update(personal=None)
    verdict = verify()
    assert (verdict.fault, verdict.erased, verdict.unguarded) == ("blanked", 1, ())


def test_a_guard_that_is_gone_is_named():
    lift_guards(connection, "DELETE")
    assert set(missing_guards(connection)) == {
        *("audit_entry_kept", "audit_seal_kept", "audit_head_kept", "audit_checkpoint_kept")
    }
    assert "audit_entry_kept" in verify().unguarded
