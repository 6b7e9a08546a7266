"""What a claim or a look costs hangs on what waits or runs, not on all there ever was."""

import re

import pytest
from django.db import connection

from core import clock
from tests.plans import plans
from tests.workers.backlog import users, wait_in_line
from workflows.models import WorkflowExecution
from workflows.pump.presence import bury
from workflows.watching.logs import SeriesLog


def steps(queryset):
    """How the database, with fresh statistics, finds the rows: by which index, or none."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    told = queryset.explain().split("\n")
    return [line.strip() for line in told if re.search("SCAN|SEARCH|Scan", line)]


@pytest.fixture
def long_history(built_in):
    everybody = users(3)
    turn = {"serial_number": 1}
    for number in range(400):
        chat = {"serial_key": f"conversation:{number}", **turn}
        wait_in_line(everybody, status="completed", finished_at=clock.now(), **chat)
    for number in range(1000, 1060):
        wait_in_line(everybody[:1], serial_key=f"conversation:{number}", **turn)


def test_a_claim_looks_up_the_turns_before_each_that_waits(long_history):
    """It had looked through all that wait for each of them: 1.4 s for 1,000 on PostgreSQL."""
    found = " ".join(steps(WorkflowExecution.objects.in_turn()))
    assert "executions_in_a_series" in found


def test_a_claim_does_not_look_at_what_has_ended(long_history):
    under_way = {"executions_under_way", "under_way_of_a_user"}
    for rows in (WorkflowExecution.objects.in_turn(), WorkflowExecution.objects.under_way()):
        first = steps(rows)[0]
        assert any(index in first for index in under_way) or "Bitmap" in first, first


def test_what_dead_pumps_ran_is_looked_for_among_what_is_under_way(built_in):
    with plans(WorkflowExecution) as steps:
        bury(["dead"])
    assert steps
    assert all("executions_under_way" in step for step in steps)


def test_who_watches_their_executions_has_only_those_under_way_looked_through(alice):
    """With each look, once a second; SQLite had read all that this user ever had."""
    mine = SeriesLog("mine", WorkflowExecution.objects.filter(user=alice))
    with plans(WorkflowExecution) as steps:
        mine.read(mine.present(), 100)
    assert [step for step in steps if step.endswith("executions_of_a_user (user_id=?)")] == []
    assert [step for step in steps if "under_way_of_a_user" in step] != []
