"""Databases that are migrated already, to be copied: that takes longer than most drills."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import django
import psycopg

_ROOT = Path(__file__).parents[2]
_TOGETHER = 4_620_113  # the lock under which one process makes the template and others wait


def copy_migrated(database: Path) -> None:
    """Make a SQLite file of the present schema."""
    database.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(migrated_file(), database)


def migrated_file() -> Path:
    """A SQLite file of the present schema, kept for as long as it is that; not to be written to."""
    kept = Path(tempfile.gettempdir()) / f"chatter-migrated-{os.getuid()}-{_schema()}.sqlite3"
    with kept.with_suffix(".lock").open("w") as together:
        fcntl.flock(together, fcntl.LOCK_EX)  # one process makes it and others wait
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=kept.parent) as home:
                made = Path(home) / "chatter.sqlite3"
                _migrate(f"sqlite:///{made}", home)
                made.replace(kept)  # whole: its log ended with the last connection
    return kept


def migrated_template(server: str) -> str:
    """The name of a database beside the one at this address, to be a template."""
    parts = urlsplit(server)
    name = f"test_{parts.path.strip('/')}_migrated_{_schema()}"
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_TOGETHER])
        there = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(there, [name]).fetchone() is None:
            making = f"{name}_making"
            connection.execute(f"DROP DATABASE IF EXISTS {making}")
            connection.execute(f"CREATE DATABASE {making}")
            with tempfile.TemporaryDirectory() as home:
                _migrate(parts._replace(path=f"/{making}").geturl(), home)
            connection.execute(f"ALTER DATABASE {making} RENAME TO {name}")
    return name


def _migrate(url: str, home: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "chatter_project.settings",
        "CHATTER_DATA_DIR": home,
        "CHATTER_SECRET_KEY": "only-to-migrate-" + "x" * 40,
        "DATABASE_URL": url,
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=_ROOT,
        env=environment,
        check=True,
        timeout=300,
    )


def _schema() -> str:
    """Names the present schema: all migrations, and the versions of the packages with theirs.

    Which Django there is depends on the Python, too.
    """
    files = [*sorted(_ROOT.glob("*/migrations/*.py")), _ROOT / "requirements.txt"]
    told = [django.__version__.encode(), *(file.read_bytes() for file in files)]
    return hashlib.sha256(b"".join(told)).hexdigest()[:12]
