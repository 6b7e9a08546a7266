"""`manage.py prepare`, as an upgrade runs it."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from select import select

from tests.drills.migrated import copy_migrated
from tests.drills.server import ROOT

LAST = ("conversations", "0003_when_messages_were_sent")
SOON_S = 1.0
# Says when it knows what is missing, and waits for a line before it goes on.
PREPARE = """
from django.core.management import call_command
from django.db.models.signals import pre_migrate

def wait(**_):
    pre_migrate.disconnect(wait)
    print("planned", flush=True)
    input()

pre_migrate.connect(wait)
print("begun", flush=True)
call_command("prepare")
"""


@contextmanager
def preparing(home: Path) -> Iterator["subprocess.Popen[str]"]:
    own = {"DATABASE_URL": "", "REDIS_URL": "", "CHATTER_SECRET_KEY": "x" * 50}
    settings = {"DJANGO_SETTINGS_MODULE": "chatter_project.settings", "CHATTER_DATA_DIR": str(home)}
    with subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", PREPARE],
        cwd=ROOT,
        env={**os.environ, **own, **settings},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "begun\n":
            assert line, "it ended"
        yield process


def test_two_that_prepare_one_installation_at_once_take_turns(tmp_path: Path) -> None:
    file = tmp_path / "chatter.sqlite3"
    copy_migrated(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP INDEX messages_sent")
        database.execute("DELETE FROM django_migrations WHERE app = ? AND name = ?", LAST)
        database.commit()
    with ExitStack() as both:
        first = both.enter_context(preparing(tmp_path))
        assert first.stdout is not None
        assert first.stdout.readline() == "planned\n"
        second = both.enter_context(preparing(tmp_path))
        assert select([second.stdout], [], [], SOON_S)[0] == []
        for process in (first, second):
            told, _ = process.communicate("\n", timeout=60)
            assert process.returncode == 0, told
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT app, name FROM django_migrations").fetchall()
    assert rows.count(LAST) == 1
