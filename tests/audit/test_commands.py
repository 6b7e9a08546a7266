"""Every command of the project either leaves an entry of what it changes, or changes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command, get_commands
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.guards import install_guards
from audit.models import AuditEntry
from core.retention import Retention
from tests.accounts.test_login import by_page

pytestmark = pytest.mark.django_db

# What each records, and with what it is called here; {file} is not there yet.
CHANGES: dict[str, tuple[str, list[str]]] = {
    "changepassword": ("accounts.user.changed", ["alice"]),
    "clearsessions": ("core.sessions.cleared", []),
    "compliance_report": ("security.compliance.reported", ["--quick"]),
    "createsuperuser": (
        "accounts.user.created",
        ["--noinput", "--username=root", "--email=r@example.com"],
    ),
    "dumpdata": ("core.rows.dumped", ["accounts.user"]),
    "erase_user": ("privacy.user.erased", ["alice", "--confirm=alice"]),
    "export_audit": ("audit.trail.exported", ["{file}"]),
    "export_user": ("privacy.user.exported", ["alice", "{file}"]),
    "lift_lockout": ("accounts.lockout.lifted", ["--user=alice"]),
    "loaddata": ("core.rows.loaded", [str(Path(__file__).with_name("group.json"))]),
    "prepare": ("core.installation.prepared", []),
    "prune": ("core.rows.pruned", []),
    "rebuild_rollups": ("analytics.rollups.rebuilt", []),
    "remove_stale_contenttypes": (
        "core.content_types.removed",
        ["--noinput", "--include-stale-apps"],
    ),
    "update_prices": ("llms.prices.added", []),
}
MOVES = ("move_from_sqlite",)  # only into a new database: `tests/deploy/test_moving.py`
READS = ("doctor", "reconcile", "verify_audit")
SERVES = ("serve", "work")  # what happens there is asked for by others, and recorded as theirs
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER", "DROP")


def _breaks(before: datetime, dry_run: bool) -> Iterator[int]:
    yield 3
    raise OSError("The disk is full.")


BREAKS = Retention("broken", _breaks)


def run(command: str, arguments: list[str]) -> None:
    with suppress(SystemExit):  # it found something, and says so
        call_command(command, *arguments, stdout=StringIO(), stderr=StringIO())


def test_each_command_has_a_policy() -> None:
    root = Path(django_settings.BASE_DIR)
    ours = {one.name for one in apps.get_app_configs() if Path(one.path).parent == root}
    commands = {name for name, app in get_commands().items() if app in ours}
    assert commands == {*CHANGES, *MOVES, *READS, *SERVES}


@pytest.mark.parametrize("command", CHANGES)
def test_a_command_that_changes_data_is_one_entry(
    command: str, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    monkeypatch.setattr("getpass.getpass", lambda **_: "another horse battery")
    for _ in range(9):
        by_page("alice", "wrong")
    ContentType.objects.create(app_label="gone", model="thing")
    action, arguments = CHANGES[command]
    run(command, [one.format(file=tmp_path / "new") for one in arguments])
    entry = AuditEntry.objects.get(action=action)
    assert (entry.outcome, entry.actor_id) == ("success", None)


@pytest.mark.parametrize("command", READS)
def test_a_command_that_only_reads_writes_nothing(command: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        run(command, [])
    assert [one["sql"] for one in queries if one["sql"].startswith(_WRITES)] == []


def test_a_command_that_broke_off_tells_what_it_did_until_then(settings: Any) -> None:
    settings.CHATTER_RETENTIONS = [f"{__name__}.BREAKS"]
    with pytest.raises(OSError, match="full"):
        call_command("prune", stdout=StringIO())
    entry = AuditEntry.objects.get(action="core.rows.pruned")
    assert (entry.outcome, entry.detail["taken"]) == ("failure", {"broken": 3})


def test_the_trail_keeps_a_database_from_being_flushed(alice: User) -> None:
    install_guards(connection)
    with pytest.raises(CommandError), transaction.atomic():
        call_command("flush", "--noinput", stdout=StringIO())
    assert User.objects.filter(pk=alice.pk).exists()


def test_what_needs_no_rebuilding_is_no_entry() -> None:
    call_command("rebuild_rollups", "--if-empty", stdout=StringIO())
    assert not AuditEntry.objects.filter(action="analytics.rollups.rebuilt").exists()
