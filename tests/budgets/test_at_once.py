"""A hundred calls at once against room for ten, in one process and in several."""

import os
import subprocess
import sys

import orjson
import pytest
from django.conf import settings
from django.db import connection

from budgets.models import BudgetPeriod
from core.aggregates import all_differences
from llms.models import ModelCall, ModelProfile
from llms.services.profiles import forget_profiles
from tests.budgets.runs import WORST, numbers_of, one_call
from tests.drills.migrated import copy_migrated
from tests.drills.mortal import take_up
from tests.factories.budgets import a_budget
from workflows.models import WorkflowExecution

CALLS, ROOM = 100, 10


def test_of_a_hundred_runs_at_once_no_more_call_than_there_is_room_for(begin):
    first = begin(one_call())
    take_up()
    most = ModelCall.objects.get(origin=first.origin)
    ModelProfile.objects.update(parameters={"delay_ms_per_word": 40})
    forget_profiles()
    for _ in range(CALLS):
        begin(one_call())
    used = most.total_tokens
    budget = a_budget(cap=used + ROOM * WORST)
    take_up()
    ended = WorkflowExecution.objects.exclude(pk=first.pk).values_list("status", "error__code")
    answered = [status for status, _ in ended if status == "completed"]
    assert {code for status, code in ended if status == "failed"} == {"budget_exceeded"}
    assert ROOM <= len(answered) < CALLS
    spent, reserved = numbers_of(budget)
    assert spent == used * (len(answered) + 1) <= budget.cap
    assert reserved == 0
    assert list(all_differences()) == []


def crowd(**environment):
    done = subprocess.run(
        [sys.executable, "-m", "tests.budgets.crowd"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "chatter_project.settings", **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return orjson.loads(done.stdout)


def held(told):
    """Nobody waited in a ring, nothing is lost, and no cap was passed."""
    assert told["codes"] == [-9, 0, 0, 0]
    assert told["differences"] == []
    assert min(told["left"]) >= 0
    assert told["refused"] > 0 < told["open"]
    assert all(told["spent"])


def test_processes_that_call_at_once_never_pass_a_cap(tmp_path):
    copy_migrated(tmp_path / "chatter.sqlite3")
    held(crowd(DATABASE_URL="", REDIS_URL="", CHATTER_DATA_DIR=str(tmp_path)))


# The processes have connections of their own, and see only what is committed.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_processes_on_postgresql_never_pass_a_cap(production_profile, tmp_path):
    own = connection.settings_dict
    url = f"postgres://{own['USER']}@{own['HOST']}:{own['PORT'] or 5432}/{own['NAME']}"
    told = crowd(DATABASE_URL=url, CHATTER_DATA_DIR=str(tmp_path), CHATTER_SECRET_KEY="x" * 50)
    held(told)
    assert BudgetPeriod.objects.exists()
