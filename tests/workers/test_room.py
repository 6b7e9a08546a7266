"""A pump runs as many executions as it has places for, also while it claims some."""

import pytest
from asgiref.sync import async_to_sync

from tests.workers.backlog import wait_in_line
from workflows.models import WorkflowExecution
from workflows.pump.pump import Pump
from workflows.tracking.leases import _taken, claim
from workflows.tracking.writer import writer

pytestmark = pytest.mark.usefixtures("built_in")


@pytest.fixture
def pump(settings):
    settings.CHATTER_PUMP_CONCURRENCY = 2
    return Pump(writer)


def states():
    return sorted(WorkflowExecution.objects.values_list("status", flat=True))


def test_who_starts_while_others_are_claimed_gets_no_place_of_theirs(alice, pump, monkeypatch):
    wait_in_line([alice])
    places = []

    def claimed_before_two_starts(*args):
        claimed = claim(*args)
        if claimed:
            places.extend((pump.reserve(), pump.reserve()))
        return claimed

    monkeypatch.setattr("workflows.pump.pump.claim", claimed_before_two_starts)
    async_to_sync(pump.drain)()
    assert places == [True, False]


def test_what_is_claimed_while_others_start_gets_no_place_of_theirs(alice, pump, monkeypatch):
    wait_in_line([alice, alice])

    def claimed_behind_two_starts(*args):
        assert pump.reserve()
        assert pump.reserve()
        return claim(*args)

    with monkeypatch.context() as starts:
        starts.setattr("workflows.pump.pump.claim", claimed_behind_two_starts)
        async_to_sync(pump.drain)()
    assert states() == ["pending", "pending"]
    pump.release()
    pump.release()
    async_to_sync(pump.drain)()
    assert "pending" not in states()


def test_where_nothing_waits_a_claim_holds_no_place(pump, monkeypatch):
    places = []

    def claimed_before_two_starts(*args):
        claimed = claim(*args)
        places.extend((pump.reserve(), pump.reserve()))
        return claimed

    monkeypatch.setattr("workflows.pump.pump.claim", claimed_before_two_starts)
    async_to_sync(pump.drain)()
    assert places == [True, True]


def test_a_place_for_what_another_pump_was_quicker_to_claim_is_for_the_next(
    alice, pump, monkeypatch
):
    waiting = wait_in_line([alice] * 4)
    theirs = {execution.pk for execution in waiting[:2]}

    def taken_by_another_first(owner, wanted):
        if theirs & {*wanted}:
            _taken("other", wanted)
        return _taken(owner, wanted)

    monkeypatch.setattr("workflows.tracking.leases._taken", taken_by_another_first)
    async_to_sync(pump.drain)()
    left = WorkflowExecution.objects.filter(status="running")
    assert {execution.pk for execution in left} == theirs
    assert "pending" not in states()
