"""Signed notes outside the database: what was cut off or replaced as a whole is found with them."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.chain import GENESIS
from audit.checkpoints import checkpoints_in, note_checkpoint
from audit.guards import lift_guards
from audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditSeal
from audit.verification import verify
from tests.factories.audit import write_entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(tmp_path, settings):
    """Where checkpoints are kept outside the database."""
    settings.AUDIT_CHECKPOINTS = str(tmp_path / "elsewhere" / "checkpoints")
    return tmp_path / "elsewhere" / "checkpoints"


def note_some(count: int) -> None:
    """A checkpoint after every second entry."""
    for _ in range(count):
        write_entries(2)
        note_checkpoint()


def cut_behind(seq: int) -> None:
    """By somebody who may do everything in the database, and knows how the chain is made."""
    lift_guards(connection)
    for rows in (AuditEntry, AuditSeal, AuditCheckpoint):
        rows.objects.filter(seq__gt=seq).delete()
    seal = AuditEntry.objects.get(seq=seq).seal if seq else GENESIS
    AuditHead.objects.update(seq=seq, seal=seal)


def test_a_chain_that_did_not_grow_gets_no_other_checkpoint(kept):
    assert note_checkpoint() is None
    note_some(2)
    assert note_checkpoint() is None
    assert [one.seq for one in checkpoints_in(kept)] == [2, 4]
    assert (verify().checkpoints, verify(checkpoints_in(kept)).outside) == (2, 2)


def test_a_tail_that_was_cut_off_is_named_by_what_was_kept_outside(kept):
    note_some(3)
    cut_behind(3)
    assert verify().ok  # nothing in the database tells
    verdict = verify(checkpoints_in(kept))
    assert (verdict.fault, verdict.bad_seq) == ("missing", 4)


def test_a_tail_that_was_cut_off_and_grew_again_is_found(kept):
    note_some(3)
    cut_behind(2)
    write_entries(9)
    verdict = verify(checkpoints_in(kept))
    assert (verdict.fault, verdict.bad_seq) == ("rewritten", 3)


def test_another_whole_trail_in_its_place_is_found(kept):
    note_some(2)
    cut_behind(0)
    note_some(2)
    verdict = verify(checkpoints_in(kept))
    assert (verdict.fault, verdict.bad_seq) == ("rewritten", 2)


def test_checkpoints_of_the_database_alone_tell_when_only_the_entries_were_cut():
    note_some(2)
    lift_guards(connection)
    AuditEntry.objects.filter(seq__gt=1).delete()
    AuditHead.objects.update(seq=1, seal=AuditEntry.objects.get(seq=1).seal)
    assert (verify().fault, verify().bad_seq) == ("missing", 2)


def test_a_checkpoint_that_nobody_signed_is_not_believed(kept):
    note_some(1)
    lift_guards(connection)
    AuditCheckpoint.objects.update(seal="f" * 64)
    assert (verify().fault, verify().bad_seq) == ("forged", 2)


def test_a_verdict_keeps_no_rows_open_that_an_end_of_the_process_would_complain_of(kept):
    note_some(1)
    lift_guards(connection)
    AuditCheckpoint.objects.update(seal="f" * 64)
    broken = verify().broken
    assert broken is not None
    assert broken.__traceback__ is None


def test_a_checkpoint_signed_by_another_installation_is_not_believed(kept, settings):
    note_some(1)
    ours = list(checkpoints_in(kept))
    settings.AUDIT_KEY = settings.SECRET_KEY = "another"
    assert verify(ours).fault == "forged"


def test_keys_of_earlier_days_are_still_believed(kept, settings):
    note_some(1)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    note_some(1)
    settings.AUDIT_KEY = "one of its own"
    note_some(1)
    verdict = verify(checkpoints_in(kept))
    assert (verdict.ok, verdict.entries, verdict.outside) == (True, 6, 3)


def test_a_damaged_file_is_told(kept):
    note_some(1)
    kept.write_text(kept.read_text() + "nonsense\n")
    assert verify(checkpoints_in(kept)).fault == "unreadable"


@pytest.mark.parametrize(("lost", "known"), [(90, [2, None, 6]), (1, [2, 4, 6])])
def test_a_line_that_was_written_half_spoils_no_other(kept, lost, known):
    note_some(2)
    kept.write_bytes(kept.read_bytes()[:-lost])  # the disk was full
    note_some(1)
    assert [one and one.seq for one in checkpoints_in(kept)] == known


def test_a_line_that_was_written_half_is_told_unless_there_is_worse(kept, tmp_path, capsys):
    note_some(2)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-90])
    note_some(1)
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["fault"], told["entries"], told["outside"]) == ("unreadable", 6, 2)
    export = tmp_path / "trail.jsonl"
    call_command("export_audit", str(export))
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--export", str(export))
    assert "lines that cannot be read: 1. Nothing else" in capsys.readouterr().out
    cut_behind(3)
    assert verify(checkpoints_in(kept)).fault == "missing"
    kept.write_bytes(kept.read_bytes().replace(b'"seq":6', b'"seq":7'))
    assert verify(checkpoints_in(kept)).fault == "forged"


def test_the_command_compares_with_the_file_by_itself_and_with_others(kept, tmp_path, capsys):
    note_some(2)
    elsewhere = tmp_path / "copy"
    elsewhere.write_bytes(kept.read_bytes())
    call_command("verify_audit", "--json")
    assert json.loads(capsys.readouterr().out)["outside"] == 2
    kept.unlink()
    call_command("verify_audit")
    assert "None was kept outside the database" in capsys.readouterr().out
    cut_behind(1)
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--checkpoints", str(elsewhere))
    assert "Rows 2 to 4 were deleted from the end" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no file"):
        call_command("verify_audit", "--checkpoints", str(tmp_path / "nowhere"))
