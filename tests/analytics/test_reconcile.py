"""`manage.py reconcile`, as administrators run it, proves the rollups."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.drills.migrated import copy_migrated
from tests.drills.server import ROOT

FORGED = """
from analytics.models import ToolRollup
from core import clock
from core.models import new_id
ToolRollup.objects.create(id=new_id(), grain="hour", dimension="tool", subject="calculator",
                          starts_at=clock.now(), call_count=7)
"""


def test_a_bucket_that_nothing_fills_is_named(tmp_path: Path) -> None:
    """In a process of its own, which has loaded what an installation loads, and no test did."""
    copy_migrated(tmp_path / "chatter.sqlite3")
    environment = {"DATABASE_URL": "", "REDIS_URL": "", "CHATTER_DATA_DIR": str(tmp_path)}

    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "chatter_project.settings", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert manage("reconcile").returncode == 0
    assert manage("shell", "-c", FORGED).returncode == 0
    told = manage("reconcile")
    assert told.returncode == 1
    assert "analytics.ToolRollup.call_count" in told.stdout


def test_a_kind_of_rollup_that_there_is_none_of_is_refused():
    with pytest.raises(CommandError, match="'models' is none of executions, model_calls"):
        call_command("rebuild_rollups", "models")
