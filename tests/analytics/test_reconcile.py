"""`manage.py reconcile`, as administrators run it, proves the rollups."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from budgets.booking import book
from conversations.models import Conversation, Message
from core import aggregates
from llms.budgeting import need_of
from llms.models import ModelCall
from tests.budgets.crowd import a_call
from tests.drills.migrated import copy_migrated
from tests.drills.server import ROOT
from tests.factories.budgets import a_budget

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


@pytest.mark.django_db
def test_of_however_many_some_are_recounted_at_a_time_and_none_is_left_out(
    alice: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(aggregates, "_AT_ONCE", 3)
    told = range(1, 9)
    talks = [Conversation.objects.create(owner=alice, message_count=count) for count in told]
    for talk in talks[:2]:
        Message.objects.create(conversation=talk, turn=1, role="user")
    with CaptureQueriesContext(connection) as asked, pytest.raises(CommandError, match="8 kept"):
        call_command("reconcile")
    named = capsys.readouterr().out
    for talk in talks:
        assert f"message_count of {talk.pk}: kept" in named
    tables = ('FROM "conversations_message"', "GROUP BY")
    assert sum(all(one in query["sql"] for one in tables) for query in asked) == 3


def test_a_kind_of_rollup_that_there_is_none_of_is_refused():
    with pytest.raises(CommandError, match="'models' is none of executions, model_calls"):
        call_command("rebuild_rollups", "models")


# A thread has a connection of its own, which sees only what is committed. The SQLite of the tests
# lives in memory, where connections do not wait for one another.
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_what_others_write_while_it_is_recounted_is_no_difference(
    production_profile: None, alice: User
) -> None:
    """Something is said and a call begins before each of its questions."""
    a_budget(cap=10**9)
    talk = Conversation.objects.create(owner=alice)

    def write() -> None:
        call = a_call(alice.pk)
        try:
            with transaction.atomic():
                Message.objects.create(conversation=talk, turn=1, role="assistant")
                assert book([need_of(call, [])], []).refused == {}
                ModelCall.objects.create(**call.row())
        finally:
            connection.close()

    def meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("SELECT"):
            threads.submit(write).result()
        return execute(sql, *rest)

    with ThreadPoolExecutor(1) as threads, connection.execute_wrapper(meanwhile):
        call_command("reconcile")
    assert talk.messages.count() > 1
