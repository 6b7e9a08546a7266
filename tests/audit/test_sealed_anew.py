"""A trail from before entries were sealed later is carried over, whole and in its order."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

OLD = (
    "INSERT INTO audit_auditentry (seq, at, action, outcome, actor_id, target, detail, personal, "
    "personal_hash, request_id, previous_hash, hash) VALUES (?, '2026-11-21 10:00:00', ?, "
    "'success', NULL, 'tests.thing:1', '{\"a\": [1, null]}', NULL, '', 'r-1', '', '')"
)


def manage(home: Path, *arguments: str) -> str:
    environment = {**os.environ, "CHATTER_DATA_DIR": str(home), "DATABASE_URL": "", "REDIS_URL": ""}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.slow
def test_old_entries_keep_their_numbers_and_those_without_are_to_be_sealed(tmp_path):
    manage(tmp_path, "migrate", "audit", "0001")
    with sqlite3.connect(tmp_path / "chatter.sqlite3") as database:
        database.executemany(OLD, [(seq, f"tests.thing.{seq}") for seq in range(1, 2_502)])
        database.execute("UPDATE audit_audithead SET seq = 2501, hash = ?", ["a" * 64])
    manage(tmp_path, "migrate", "audit", "0002")
    with sqlite3.connect(tmp_path / "chatter.sqlite3") as database:
        database.execute("UPDATE audit_auditentry SET seq = NULL, seal = '' WHERE seq = 2501")
        database.execute(
            "UPDATE audit_audithead SET (seq, seal) = "
            "(SELECT seq, seal FROM audit_auditentry WHERE seq = 2500)"
        )
    manage(tmp_path, "migrate", "audit")
    whole = manage(tmp_path, "verify_audit")
    assert "whole: 2500 entries, and 1 not sealed yet" in whole
    assert "lacks guards" not in whole
    with sqlite3.connect(tmp_path / "chatter.sqlite3") as database:
        rows = database.execute("SELECT action FROM audit_auditentry ORDER BY id").fetchall()
    assert [action for (action,) in rows] == [f"tests.thing.{seq}" for seq in range(1, 2_502)]
