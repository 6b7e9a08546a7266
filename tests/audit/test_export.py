"""The trail as a file: verified without the database, and whoever changes it is found out."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.chain import GENESIS, canonical
from audit.checkpoints import checkpoints_in, note_checkpoint
from audit.export import exported_lines, verify_export
from audit.models import AuditEntry
from audit.signatures import public_keys
from tests.audit.test_checkpoints import cut_behind
from tests.factories.audit import write_entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def export(tmp_path) -> Path:
    write_entries(5, personal={"name": "Ann Example"}, detail={"ä": ["ö", None, True, 2**70]})
    path = tmp_path / "trail.jsonl"
    call_command("export_audit", str(path))
    return path


def linked_anew(lines: list[bytes]) -> list[bytes]:
    """With links that fit, as anybody can make them; only the end is signed."""
    link, made = GENESIS, []
    for line in lines[:-1]:
        entry = json.loads(line)["entry"]
        link = sha256(link.encode() + canonical(entry)).hexdigest()
        made.append(canonical({"entry": entry, "link": link}) + b"\n")
    return [*made, lines[-1]]


def looked_at(path: Path, capsys, *options: str) -> dict:
    """What the command says of a file, with no access to the database."""

    def refuse(*_: object) -> None:
        raise AssertionError("The database was asked.")

    capsys.readouterr()
    with connection.execute_wrapper(refuse):
        try:
            call_command("verify_audit", "--export", str(path), "--json", *options)
        except SystemExit as stopped:
            assert stopped.code == 1
    return json.loads(capsys.readouterr().out)


def test_an_export_is_whole_and_without_what_is_personal(export, capsys):
    told = looked_at(export, capsys)
    assert (told["ok"], told["entries"], told["head_seq"]) == (True, 5, 5)
    assert "Ann" not in export.read_text()
    assert AuditEntry.objects.get(action="audit.trail.exported").detail == {"entries": 5}
    assert str(2**70) in export.read_text()


def test_whoever_has_the_public_key_needs_no_secret(export, capsys, settings):
    ours = public_keys()[0]
    settings.SECRET_KEY = "of somebody else"
    assert looked_at(export, capsys)["fault"] == "unsigned"
    assert looked_at(export, capsys, "--public-key", ours)["ok"]


@pytest.mark.parametrize(
    ("tamper", "fault", "bad_seq"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b"tests.thing", b"tests.else"), *lines[3:]],
         "edited", 3),
        (lambda lines: [*lines[:2], *lines[3:]], "missing", 3),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "missing", 2),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], "missing", 3),
        (lambda lines: lines[:3], "missing", 4),
        (lambda lines: [*lines[:3], lines[-1]], "missing", 4),
        (lambda lines: linked_anew([lines[0], lines[1].replace(b"thing", b"other"), *lines[2:]]),
         "rewritten", 1),
        (lambda lines: [*lines, lines[-1]], "inserted", 6),
        (lambda lines: [*lines[:4], b"nonsense\n", *lines[5:]], "edited", 5),
        (lambda lines: [*lines[:2], lines[2].replace(b'{"entry"', b'{"a":1,"entry"'), *lines[3:]],
         "edited", 3),
        (lambda lines: [*lines[:2], lines[2].replace(b'"action"', b'"action":"a","action"'),
                        *lines[3:]],
         "edited", 3),
        (lambda lines: [*lines[:-1], lines[-1].replace(b'{"end"', b'{"a":1,"end"')], "edited", 6),
        (lambda lines: [], "missing", 1),
    ],
    ids=["edit", "delete", "reorder", "insert", "cut", "cut but its end", "linked anew", "add",
         "damage", "beside an entry", "before what was said", "beside the end", "empty"],
)  # fmt: skip
def test_a_tampered_export_is_found_out(export, capsys, tamper, fault, bad_seq):
    export.write_bytes(b"".join(tamper(export.read_bytes().splitlines(keepends=True))))
    told = looked_at(export, capsys)
    assert (told["ok"], told["fault"], told["bad_seq"]) == (False, fault, bad_seq)


def test_an_export_whose_lines_end_as_on_windows_is_the_same(export, capsys):
    export.write_bytes(export.read_bytes().replace(b"\n", b"\r\n"))
    assert looked_at(export, capsys)["ok"]


def test_an_export_of_another_chain_disagrees_with_the_checkpoints(tmp_path, settings):
    settings.AUDIT_CHECKPOINTS = str(tmp_path / "checkpoints")
    write_entries(3)
    note_checkpoint()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    noted = list(checkpoints_in(tmp_path / "checkpoints"))
    assert verify_export(exported_lines(), public_keys(), noted).ok
    lines = list(exported_lines())
    assert verify_export(lines[:2], public_keys(), noted).fault == "missing"


def test_a_trail_that_grew_since_it_was_exported_is_no_fault_of_the_file(
    tmp_path, settings, capsys
):
    settings.AUDIT_CHECKPOINTS = str(tmp_path / "checkpoints")
    write_entries(3)
    note_checkpoint()
    call_command("export_audit", str(tmp_path / "trail"))
    write_entries(1)
    note_checkpoint()
    told = looked_at(tmp_path / "trail", capsys)
    assert (told["ok"], told["entries"], told["outside"]) == (True, 3, 2), told["message"]
    cut_behind(2)
    call_command("export_audit", str(tmp_path / "cut"))
    told = looked_at(tmp_path / "cut", capsys)
    assert (told["fault"], told["bad_seq"]) == ("missing", 3)


def test_checkpoints_by_another_key_of_ours_agree_and_those_of_others_are_not_asked(
    tmp_path, settings, capsys
):
    settings.AUDIT_CHECKPOINTS = str(tmp_path / "checkpoints")
    write_entries(3)
    call_command("export_audit", str(tmp_path / "trail"))
    theirs, settings.SECRET_KEY_FALLBACKS = public_keys()[0], [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" + "y" * 50
    note_checkpoint()
    told = looked_at(tmp_path / "trail", capsys, "--public-key", theirs)
    assert (told["ok"], told["outside"]) == (True, 1), told["message"]
    settings.SECRET_KEY_FALLBACKS = []
    told = looked_at(tmp_path / "trail", capsys, "--public-key", theirs)
    assert (told["ok"], told["outside"]) == (True, 0), told["message"]


@pytest.mark.parametrize(
    "line",
    [
        *(b"[]", b"7", b"{}", b'{"entry": []}', b'{"end": 5}', b'{"entry": {}, "end": null}'),
        *(b'{"entry": {"seq": 1}}', b'{"end": {}}', b"\xff", b"[" * 100_000, b""),
        b'{"end": {"seq": 0}, "public_key": [], "signature": 5}',
    ],
)
def test_whatever_stands_in_a_file_is_a_fault_and_no_crash(tmp_path, capsys, line):
    (tmp_path / "trail").write_bytes(line + b"\n")
    assert not looked_at(tmp_path / "trail", capsys)["ok"]
    assert looked_at(tmp_path / "trail", capsys, "--checkpoints", str(tmp_path / "trail"))["fault"]


def test_an_export_does_not_take_the_place_of_a_file(export):
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_audit", str(export))
    with pytest.raises(CommandError, match="There is no file"):
        call_command("verify_audit", "--export", str(export.with_name("other")))
