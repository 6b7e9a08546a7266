"""A process is killed in the midst of every type of node at once, and another one ends the runs.

`test_kills.py` asks this of each commit, of processes that only stop writing. Here one worker has
them all: it stands still in each run, in a node of each type that has `begun` and done nothing yet,
or is `done` and nobody knows (`holding.py`), or has asked a model, a tool or a server that does not
answer, or waits (`amid`). Then it is killed, as by `kill -9`. What files expect is what comes of a
run that nothing interrupts: `test_in_a_worker.py` shows that of the same files.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.case import Case, JsonObject, ToolAnswer, cases
from tests.conformance.holding import HELD, HOLDS
from tests.conformance.outliving import assert_outlived
from tests.conformance.playing import PATIENCE_S, Playing, go_on_with, resting
from tests.conformance.seen import assert_books_are_right, assert_ended
from tests.conformance.stage import Stage
from tests.conformance.worker import exists
from tests.conformance.world import World, world_of
from tests.drills.mortal import leases_run_out, logged
from tests.wire import WireServer
from workflows.registry import NODE_TYPES

pytestmark = pytest.mark.slow

BEGUN, AMID, DONE = "begun", "amid", "done"
MORTAL = [(kind, name) for name, case in cases().items() for kind in case.kills]
DELAY_S = 3600
# Of the types whose nodes wait for something outside, a file in which nothing else does before.
WAITING = {
    "model": "model/an_answer_that_does_not_fit_is_mended_once",
    "memory": "memory/what_lies_before_the_window_is_summed_up",
    "tools": "tools/what_a_plug_in_answers_is_told_to_the_model",
    "map": "map/does_its_part_for_each_item",
    "subworkflow": "subworkflow/runs_another_workflow_and_goes_on_with_its_answer",
    "http_request": "http_request/in_a_workflow_within_has_a_key_of_its_own",
    "delay": "delay/goes_on_for_what_is_left_after_a_crash",
}
Death = tuple[str, str, str]  # the type of the node, the moment, the name of the file
DEATHS: list[Death] = [
    *((kind, moment, name) for kind, name in MORTAL for moment in (BEGUN, DONE)),
    *((kind, AMID, name) for kind, name in WAITING.items()),
]


@pytest.fixture(scope="module")
def killed(
    wire: WireServer, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[dict[Death, Playing]]:
    """Each run, ended by the second process; all were in the midst of a node in the first."""
    home, held = tmp_path_factory.mktemp("worker"), tmp_path_factory.mktemp("held")
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.conformance.mortal_settings",
        "CONFORMANCE_HELD": str(held),
    }
    those = [_made_to_wait(name) if moment == AMID else cases()[name] for _, moment, name in DEATHS]
    with django_db_blocker.unblock(), world_of(those, wire, home, environment) as world:
        found = {
            death: _furnished(world, death, case) for death, case in zip(DEATHS, those, strict=True)
        }
        pasts = {death: one.here.past() for death, one in found.items()}  # before anything begins
        for death, one in found.items():
            _begin(one, death, pasts[death], held)
        world.worker.start()
        _run_into_the_midst(found, held)
        with world.worker.killed():
            assert not [one for one in held.glob(f"*{HELD}") if exists(int(one.read_text()))]
            for hold in held.glob(f"*{HOLDS}"):
                hold.unlink()
            world.worker.clocks.put_on(wall=DELAY_S)
            leases_run_out()
        go_on_with(found.values(), ())
        yield found


@pytest.mark.parametrize("moment", [BEGUN, DONE])
@pytest.mark.parametrize("kind", NODE_TYPES.keys())
def test_a_run_outlives_the_process_that_was_killed_in_a_node(
    kind: str, moment: str, killed: dict[Death, Playing]
) -> None:
    those = [death for death in killed if death[:2] == (kind, moment)]
    assert those, f"Write `kills: [{kind}]` into a file with such a node."
    for death in those:
        assert _lost_with_the_process(killed[death], death) == 0


@pytest.mark.parametrize("kind", WAITING)
def test_a_run_outlives_the_process_that_was_killed_while_a_node_waited(
    kind: str, killed: dict[Death, Playing]
) -> None:
    death = (kind, AMID, WAITING[kind])
    assert (_lost_with_the_process(killed[death], death) > 0) == (kind != "delay")


def test_the_books_are_right(killed: dict[Death, Playing]) -> None:
    assert_books_are_right()


def _lost_with_the_process(one: Playing, death: Death) -> int:
    """Nothing else is in the meters of provider and server more than once."""
    if one.error is not None:
        raise one.error
    assert not one.left, f"{death} has not come to its end."
    lost = assert_outlived(one.here, one.execution, one.wire, str(death))
    assert_ended(one.execution, one.wire)
    assert one.execution.attempt > 1
    return lost


def _furnished(world: World, death: Death, case: Case) -> Playing:
    kind, moment, name = death
    here = world.stage_of(case)
    if moment == AMID and kind == "tools":
        here.lines.answers = [ToolAnswer(hang=True), *case.tools]
    elif moment == AMID:
        asked = "user: one" if kind == "memory" else ""
        world.wire.part_of(here.request).script("[[fault=hang]]", next=1, match=asked)
    return world.furnish(name, here, for_ever=True)


def _begin(one: Playing, death: Death, past: JsonObject, held: Path) -> None:
    one.begin(past)
    assert one.told.status_code == 202, one.told.json()
    if death[1] != AMID:
        (held / f"{one.execution.pk}{HOLDS}").write_text(" ".join(death[:2]))


def _made_to_wait(name: str) -> Case:
    """The web server is silent at first, and no process dies but that of all."""
    case = cases()[name]
    web = {path: page.model_copy(update={"silent": 1}) for path, page in case.setup.web.items()}
    setup = case.setup.model_copy(update={"web": web})
    return case.model_copy(update={"setup": setup, "then": ["run"]})


def _run_into_the_midst(found: dict[Death, Playing], held: Path) -> None:
    """Return when each run stands still in the node that it is to be killed in."""
    left = dict(found)
    deadline = time.monotonic() + PATIENCE_S
    while left:
        assert time.monotonic() < deadline, f"These never stood still: {[*left]}."
        at_rest = resting(one.execution.pk for one in left.values())
        for one in left.values():
            one.go_on(at_rest.__contains__, ())
        left = {death: one for death, one in left.items() if not _stands_still(death, one, held)}
        time.sleep(0.02)


def _stands_still(death: Death, one: Playing, held: Path) -> bool:
    kind, moment, _ = death
    if moment != AMID:
        return (held / f"{one.execution.pk}{HELD}").exists()
    return _WAITS.get(kind, _has_asked_a_model)(one.here, one)


def _has_asked_a_model(here: Stage, one: Playing) -> bool:
    return any(record.state == "received" for record in one.wire.records)


_WAITS: dict[str, Callable[[Stage, Playing], bool]] = {
    "tools": lambda here, one: bool(here.lines.called),
    "http_request": lambda here, one: here.web is not None and bool(here.web.sent),
    "delay": lambda here, one: logged("delay.started")(),
}
