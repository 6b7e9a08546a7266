"""Pumps that claim at the same instant: each execution is had by one of them."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction

from core import clock
from core.models import new_id
from tests.workers.backlog import until_someone_waits, users, wait_in_line
from workflows.models import WorkflowExecution
from workflows.tracking.leases import claim, renew, some_wait, still_held

PUMPS = 4
PATIENCE_S = 20.0
# Where there is a limit to how long a transaction may stand still, one that suits a test.
_NOT_LONG = (
    "SELECT set_config(name, '2000', true) FROM pg_settings "
    "WHERE name = 'idle_in_transaction_session_timeout' AND setting <> '0'"
)


def all_that_is_left(owner):
    """What one claims until there is nothing more, few at a time."""
    had, last = [], None
    try:
        while True:
            claimed = claim(owner, 7, last)
            had += [execution.pk for execution in claimed]
            if claimed:
                last = claimed[-1].user_id
            elif not some_wait():
                return had
    finally:
        connection.close()


# The claims have connections of their own, and see only what is committed.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_two_hundred_that_wait_are_each_had_once(production_profile, built_in):
    asked = wait_in_line(users(5) * 40)
    with ThreadPoolExecutor(PUMPS) as pool:
        had = list(pool.map(all_that_is_left, map(str, range(PUMPS))))
    assert sorted(pk for one in had for pk in one) == sorted(one.pk for one in asked)
    attempts = WorkflowExecution.objects.values_list("status", "attempt")
    assert Counter(attempts) == {("running", 1): 200}
    for owner, mine in enumerate(had):
        assert renew(str(owner), dict.fromkeys(mine, 1)) == (set(), set())
        assert WorkflowExecution.objects.filter(lease_owner=str(owner)).count() == len(mine)


@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_leases_are_renewed_in_key_order_as_the_writer_locks_them(production_profile, built_in):
    """Whoever waits for the first holds none of the others, so nobody waits in a ring."""
    held = {
        "status": "running",
        "attempt": 1,
        "lease_owner": "pump",
        "lease_expires_at": clock.now(),
    }
    first, *others = sorted(new_id() for _ in range(3))
    for pk in [*others, first]:  # the order in which they lie in the table
        wait_in_line(users(1), id=pk, **held)
    rows = WorkflowExecution.objects.select_for_update(skip_locked=True)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert still_held({(first, 1)})
            renewal = pool.submit(renewed, dict.fromkeys([first, *others], 1))
            until_someone_waits()
            assert len(rows.filter(pk__in=others)) == 2
        assert renewal.result() == (set(), set())


def renewed(running):
    """As with a table whose rows the planner reads in the order they lie there."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
        return renew("pump", running)
    finally:
        connection.close()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_host_whose_clock_is_wrong_neither_takes_from_others_nor_loses_its_own(
    built_in, alice, monkeypatch, hours
):
    mine, its = wait_in_line([alice, alice])
    assert [one.pk for one in claim("right", 1)] == [mine.pk]
    told = clock.now() + timedelta(hours=hours)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: told)
        assert [one.pk for one in claim("wrong", 10)] == [its.pk]
        assert renew("wrong", {its.pk: 1}) == (set(), set())
    assert claim("right", 10) == []


def test_a_lease_ends_with_its_run_though_its_attempt_is_the_last(built_in, alice):
    """So that nothing is written behind the end that another process gave it."""
    mine, over, its = wait_in_line([alice] * 3)
    claim("pump", 3)
    ended = {"status": "cancelled", "finished_at": clock.now(), "lease_expires_at": None}
    WorkflowExecution.objects.filter(pk=over.pk).update(**ended)
    WorkflowExecution.objects.filter(pk=its.pk).update(attempt=2)
    with transaction.atomic():
        assert still_held({(one.pk, 1) for one in (mine, over, its)}) == {(mine.pk, 1)}
    assert renew("pump", {one.pk: 1 for one in (mine, over, its)}) == (set(), {its.pk})


# Another process has a connection of its own.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_who_stands_still_in_the_middle_of_a_claim_does_not_keep_the_run_for_ever(
    production_profile, built_in
):
    (asked,) = wait_in_line(users(1))
    claimed, over = Event(), Event()

    def stand_still():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_NOT_LONG)
                assert claim("frozen", 1)
                claimed.set()
                over.wait(3 * PATIENCE_S)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(stand_still)
        assert claimed.wait(PATIENCE_S)
        had, deadline = [], time.monotonic() + PATIENCE_S
        while not had and time.monotonic() < deadline:
            time.sleep(0.05)
            had = claim("other", 1)
        over.set()
        assert frozen.exception() is not None
    assert [execution.pk for execution in had] == [asked.pk]
    assert WorkflowExecution.objects.get().lease_owner == "other"
