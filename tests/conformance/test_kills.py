"""Promises 6 and 7 for every type of node: wherever a process dies, the run ends as if it had not.

A file with `kills: [loop]` is the case of that type. It is run once for each of its commits and its
process dies behind that one; then its process dies in the midst of a node of the type: when the
node has begun and done nothing yet, and when it has done its work and nobody knows. A file that
says `run` more than once, as one that waits for people does, has a process for each, and each dies.
Its model gives the same answer whenever it is asked the same, so the answers of such a file name
what is asked.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.conformance.case import cases
from tests.conformance.holding import whole_log
from tests.conformance.outliving import assert_outlived
from tests.conformance.seen import assert_sound
from tests.conformance.stage import Stage, execution_of, stage
from tests.conformance.steps import take
from tests.drills.mortal import live_and_die, take_up
from tests.wire import WireServer
from workflows.registry import NODE_TYPES

pytestmark = pytest.mark.slow

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
        for which in range(case.then.count("run")):
            for commits in count():
                lives = Lives(which, commits)
                outlived(here, lives, wire, f"{name}, run {which} behind {commits} commits")
                if not lives.died:
                    break
            assert commits > 0


@pytest.mark.django_db
@pytest.mark.parametrize("kind, name", TYPES)
@pytest.mark.parametrize("moment", ["begun", "done"])
def test_a_process_may_die_in_the_midst_of_a_node(
    kind: str, name: str, moment: str, wire: WireServer, settings: Any
) -> None:
    with stage(MORTAL[name], wire, settings, for_ever=True) as here:
        death = Death(kind, moment)
        outlived(here, death, wire, f"{name}, {kind} {moment}")
        assert death.died, f"No {kind} was visited."


@dataclass
class Lives:
    """Of the processes that run a case one dies: this one, behind so many commits."""

    which: int
    commits: int
    died: bool = False
    lived: int = 0

    def __call__(self, *_: Any) -> None:
        if self.lived == self.which:
            self.died = live_and_die(after_commits=self.commits)
        self.lived += 1
        take_up()


@dataclass
class Death:
    """The first process that comes to a moment of a node of this type dies there."""

    kind: str
    moment: str
    died: bool = False

    def __call__(self, *_: Any) -> None:
        if not self.died:
            with dying_in(self.kind, self.moment) as dead:
                self.died = live_and_die(lambda: bool(dead))
        take_up()


def outlived(here: Stage, run: Lives | Death, wire: WireServer, when: str) -> None:
    """It ends as its file says; what was lost with the process is the only thing done twice."""
    if here.web:
        here.web.requests.clear()
    execution = execution_of(here.begin())
    with pytest.MonkeyPatch.context() as patch:
        take(here, execution, patch, run)
    assert_outlived(here, execution, wire, when)
    assert_sound(execution, wire)


@contextmanager
def dying_in(kind: str, moment: str) -> Iterator[list[str]]:
    """In this process the first node of the type never comes to its end; gives who it was."""
    found, dead = NODE_TYPES.get(kind), []
    whole = type(found).run

    async def cut_short(self: Any, config: Any, inputs: Any, visit: Any) -> Any:
        if moment == "done":
            await whole(self, config, inputs, visit)
        await whole_log(visit.context.log).committed()
        dead.append(visit.node)
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(found), "run", cut_short)
        yield dead
