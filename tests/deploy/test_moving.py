"""`manage.py move_from_sqlite`: an installation goes on with PostgreSQL as it was."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.drills.migrated import copy_migrated
from tests.drills.server import Chatter, chatter

# What the move itself adds.
ADDS = {"audit_auditentry": 1, "audit_unsealedgroup": 1}


@pytest.mark.services
@pytest.mark.slow
def test_every_row_is_the_same_afterwards(production_profile: None, tmp_path: Path) -> None:
    data = tmp_path / "before" / "data"
    copy_migrated(data / "chatter.sqlite3")
    with closing(Chatter(tmp_path / "before", ALLOWED_HOSTS="testserver")) as before:
        before.ask("tests.deploy.furnished")
        rows: dict[str, list[Any]] = before.ask("tests.deploy.rows")
    with chatter(
        tmp_path / "after",
        CHATTER_SECRET_KEY=(data / "secret_key").read_text(),
        CHATTER_AUDIT_CHECKPOINTS=str(data / "audit-checkpoints"),
    ) as after:
        moved = after.manage("move_from_sqlite", str(data / "chatter.sqlite3"))
        assert moved.returncode == 0, moved.stderr
        there: dict[str, list[Any]] = after.ask("tests.deploy.rows")
        for command in ("verify_audit", "prepare", "reconcile", "verify_audit"):
            done = after.manage(command)
            assert done.returncode == 0, done.stdout + done.stderr
        again = after.manage("move_from_sqlite", str(data / "chatter.sqlite3"))
        assert "in use" in again.stderr
        after.furnish(people=["bob"])
        after.start()
        said = {"url": f"{after.url}/api/v1/chat/", "headers": after.people["bob"].headers}
        talk = httpx2.post(**said, json={"message": "hello"}, timeout=30)
        assert talk.status_code == 201, talk.text  # new numbers follow those that were moved
    assert sum(map(bool, rows.values())) > 40
    for table, kept in rows.items():
        assert [row for row in there[table] if row in kept] == kept, table
        assert len(there[table]) - len(kept) == ADDS.get(table, 0), table


@pytest.mark.services
def test_a_file_of_another_release_is_refused(production_profile: None, tmp_path: Path) -> None:
    (tmp_path / "other.sqlite3").touch()
    with chatter(tmp_path) as after:
        refused = after.manage("move_from_sqlite", str(tmp_path / "other.sqlite3"))
    assert "cannot be read" in refused.stderr


@pytest.mark.services
@pytest.mark.slow
def test_what_still_runs_is_not_moved(production_profile: None, tmp_path: Path) -> None:
    file = tmp_path / "before" / "data" / "chatter.sqlite3"
    copy_migrated(file)
    with closing(Chatter(tmp_path / "before")) as before, chatter(tmp_path / "after") as after:
        before.start()
        refused = after.manage("move_from_sqlite", str(file))
        assert refused.stderr.startswith("CommandError: Stop whatever uses the file first")
        before.kill()
        assert after.manage("move_from_sqlite", str(file)).returncode == 0


@pytest.mark.services
def test_a_file_that_cannot_be_opened_is_not_said_to_be_in_use(
    production_profile: None, tmp_path: Path
) -> None:
    file = tmp_path / "chatter.sqlite3"
    copy_migrated(file)
    file.with_name("chatter.sqlite3-wal").mkdir()  # even root cannot write to it
    with chatter(tmp_path) as after:
        refused = after.manage("move_from_sqlite", str(file))
    assert refused.stderr.startswith("CommandError: The file cannot be read: unable to open")


@pytest.mark.services
def test_a_row_that_does_not_fit_is_named_and_nothing_is_moved(
    production_profile: None, tmp_path: Path
) -> None:
    file = tmp_path / "chatter.sqlite3"
    copy_migrated(file)
    with chatter(tmp_path) as after:
        with closing(sqlite3.connect(file)) as database:
            database.execute("INSERT INTO django_session VALUES (?, '', '2026-01-01')", ["x" * 41])
            database.commit()
        refused = after.manage("move_from_sqlite", str(file))
        assert refused.stderr.startswith("CommandError: Nothing was moved: value too long")
        assert "django_session, line 1" in refused.stderr
        with closing(sqlite3.connect(file)) as database:
            database.execute("DELETE FROM django_session")
            database.commit()
        assert after.manage("move_from_sqlite", str(file)).returncode == 0


def test_there_is_no_move_to_sqlite(db: None, tmp_path: Path) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("here a move is one to PostgreSQL")
    with pytest.raises(CommandError, match="PostgreSQL"):
        call_command("move_from_sqlite", str(tmp_path / "chatter.sqlite3"))
