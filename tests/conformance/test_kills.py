"""Promises 6 and 7 for every type of node: wherever a process dies, the run ends as if it had not.

A file with `kills: [loop]` is the case of that type. It is run once for each of its commits and its
process dies behind that one; then its process dies in the midst of a node of the type: when the
node has begun and done nothing yet, and when it has done its work and nobody knows. Its model gives
the same answer whenever it is asked the same, so the answers of such a file name what is asked.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from llms.models import ModelCall
from tests.conformance.case import Case, cases
from tests.conformance.seen import assert_sound, came_of, expected
from tests.conformance.stage import Stage, execution_of, stage
from tests.drills.mortal import leases_run_out, live_and_die, take_up
from tests.wire import WireServer
from workflows.models import WorkflowExecution
from workflows.registry import NODE_TYPES

MORTAL = {name: case for name, case in cases().items() if case.kills}
TYPES = sorted((kind, name) for name, case in MORTAL.items() for kind in case.kills)


@pytest.mark.parametrize("kind", NODE_TYPES.keys())
def test_every_type_of_node_has_a_case(kind: str) -> None:
    assert kind in dict(TYPES), f"Write `kills: [{kind}]` into a file with such a node."


@pytest.mark.django_db
@pytest.mark.parametrize("name", MORTAL)
def test_a_process_may_die_behind_any_of_its_commits(
    name: str, wire: WireServer, settings: Any
) -> None:
    case = MORTAL[name]
    with stage(case, wire, settings, for_ever=True) as here:
        for commits in count():
            execution = execution_of(here.begin())
            died = live_and_die(after_commits=commits)
            assert_outlived(here, execution, wire, f"{name} behind {commits} commits")
            if not died:
                break
        assert commits > 0


@pytest.mark.django_db
@pytest.mark.parametrize("kind, name", TYPES)
@pytest.mark.parametrize("moment", ["begun", "done"])
def test_a_process_may_die_in_the_midst_of_a_node(
    kind: str, name: str, moment: str, wire: WireServer, settings: Any
) -> None:
    with stage(MORTAL[name], wire, settings, for_ever=True) as here:
        execution = execution_of(here.begin())
        with dying_in(kind, moment) as dead:
            assert live_and_die(lambda: bool(dead)), f"No {kind} was visited."
        assert_outlived(here, execution, wire, f"{name}, {kind} {moment}")


def assert_outlived(here: Stage, execution: WorkflowExecution, wire: WireServer, when: str) -> None:
    """It ends as its file says; what was lost with the process is the only thing done twice."""
    leases_run_out()
    take_up()
    seen = came_of(here, execution, wire)
    told = _as_if_never_dead(here.case, seen)
    lost = {name: [line for line in seen[name] if " lost" in line] for name in _LEDGERS}
    seen |= {name: [line for line in seen[name] if " lost" not in line] for name in _LEDGERS}
    assert seen == told, (when, lost)
    assert_sound(execution, wire)
    _assert_nothing_was_asked_twice(execution, wire)


_LEDGERS = ("calls", "tool_calls")


def _as_if_never_dead(case: Case, seen: dict[str, Any]) -> dict[str, Any]:
    """What the file says, but for what a death may change: how many events and calls there are."""
    told = expected(case, seen)
    return told | {name: seen[name] for name in ("asked", "events", "usage")}


def _assert_nothing_was_asked_twice(execution: WorkflowExecution, wire: WireServer) -> None:
    """The provider's meter saw each call that came to an end once."""
    rows = {str(row.pk): row for row in ModelCall.objects.filter(origin=execution.origin)}
    sent = [rows[record.call] for record in wire.meter.settled() if record.call in rows]
    ended = Counter(
        (row.node, row.visit, row.call_index, row.attempt) for row in sent if row.status != "lost"
    )
    assert set(ended.values()) <= {1}
    assert {row.pk for row in sent} >= {row.pk for row in rows.values() if row.status != "lost"}


@contextmanager
def dying_in(kind: str, moment: str) -> Iterator[list[str]]:
    """In this process the first node of the type never comes to its end; gives who it was."""
    found, dead = NODE_TYPES.get(kind), []
    whole = type(found).run

    async def cut_short(self: Any, config: Any, inputs: Any, visit: Any) -> Any:
        if moment == "done":
            await whole(self, config, inputs, visit)
        await visit.context.log.committed()
        dead.append(visit.node)
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(found), "run", cut_short)
        yield dead
