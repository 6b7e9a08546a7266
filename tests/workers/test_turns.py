"""Users take turns: who asks for much waits for it, not the others."""

from collections import Counter

import pytest
from django.db.models import Q
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core import clock
from tests.laws.histories import undone
from tests.workers.backlog import users, wait_in_line
from workflows.models import WorkflowExecution
from workflows.querysets import ExecutionQuerySet
from workflows.tracking.leases import claim

pytestmark = pytest.mark.usefixtures("built_in")

TURN = {"serial_key": "conversation:1", "serial_number": 1}


def claimed_ids(places):
    return {execution.pk for execution in claim("pump", places)}


def over(execution):
    WorkflowExecution.objects.filter(pk=execution.pk).update(
        status="completed", finished_at=clock.now(), lease_expires_at=None
    )


def claimed_in_turn(sizes):
    """Whose executions a pump claims, place by place, as so many are free at a time."""
    order, last = [], None
    for size in sizes:
        claimed = claim("pump", size, last)
        if claimed:
            last = claimed[-1].user_id
        order += [execution.user_id for execution in claimed]
    return order


def test_one_that_waits_behind_five_hundred_of_another_is_next_but_one(alice, charlie):
    wait_in_line([alice] * 500 + [charlie])
    assert charlie.id in claimed_in_turn([1, 1])


def test_what_one_user_asked_for_is_run_in_that_order(alice, charlie):
    asked = wait_in_line([alice, charlie, alice, alice])
    mine = [execution.pk for execution in asked if execution.user_id == alice.id]
    claimed = [claim("pump", 1)[0].pk for _ in range(4)]
    assert [pk for pk in claimed if pk in mine] == mine


def test_a_turn_of_a_conversation_that_cannot_begin_yet_is_no_turn_of_its_user(alice, charlie):
    wait_in_line([alice], serial_key="conversation:1", serial_number=1)
    wait_in_line([alice], serial_key="conversation:1", serial_number=2)
    wait_in_line([charlie])
    assert Counter(claimed_in_turn([3, 3])) == {alice.id: 1, charlie.id: 1}


def test_a_turn_that_is_answered_twice_is_answered_once_at_a_time(alice, charlie):
    twice = [*wait_in_line([alice], **TURN), *wait_in_line([alice], **TURN)]
    (other,) = wait_in_line([charlie])
    assert claimed_ids(3) == {twice[0].pk, other.pk}
    assert claimed_ids(3) == set()
    over(twice[0])
    assert claimed_ids(3) == {twice[1].pk}


def test_a_turn_that_is_answered_again_waits_for_the_later_one_that_runs(alice):
    (later,) = wait_in_line([alice], **{**TURN, "serial_number": 2})
    assert claimed_ids(1) == {later.pk}
    (again,) = wait_in_line([alice], **TURN)
    assert claimed_ids(1) == set()
    WorkflowExecution.objects.filter(pk=later.pk).update(lease_expires_at=later.created_at)
    assert claimed_ids(1) == {later.pk}, "its process died: it goes on first"
    over(later)
    assert claimed_ids(1) == {again.pk}


def test_what_cannot_be_had_keeps_nobody_from_what_can(alice, charlie, monkeypatch):
    """As where two processes look at the same time: each sees what the other has not yet begun."""
    (running,) = wait_in_line([alice], **TURN)
    assert claimed_ids(1) == {running.pk}
    monkeypatch.setattr(ExecutionQuerySet, "in_front", lambda _: Q())
    wait_in_line([alice], **{**TURN, "serial_number": 2})
    others = wait_in_line([charlie, alice])
    assert claimed_ids(3) == {one.pk for one in others}


@examples(max_examples=25)
@given(
    backlog=st.lists(st.integers(0, 4), min_size=1, max_size=40),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=20),
)
def test_while_others_wait_nobody_is_two_turns_ahead(backlog, sizes):
    with undone():
        everybody = users(5)
        asked = Counter(everybody[number].id for number in backlog)
        wait_in_line([everybody[number] for number in backlog])
        order = claimed_in_turn(sizes)
        assert len(order) == min(sum(sizes), len(backlog))
        for begin in range(len(order)):
            left = asked - Counter(order[:begin])
            waiting = set(left)
            got = Counter[object]()
            for user_id in order[begin:]:
                got[user_id] += 1
                left[user_id] -= 1
                assert got[user_id] <= min(got[one] for one in waiting) + 1
                waiting = {one for one in waiting if left[one] > 0}
                if not waiting:
                    break
        assert WorkflowExecution.objects.filter(status="running").count() == len(order)
