"""Every file is true of a worker, too: a process of its own that runs what others have asked for.

All are begun at once, over the API, and played side by side by one worker on the database and the
queue of the profile: `manage.py work`, as it is started anywhere. What the model and the web say
comes over HTTP, and so does what the tool `scripted` says. What came of each is looked at after.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.case import cases
from tests.conformance.playing import Playing, play
from tests.conformance.seen import (
    assert_books_are_right,
    assert_ended,
    assert_script_was_played,
    came_of,
    expected,
)
from tests.conformance.world import world_of
from tests.wire import WireServer

pytestmark = pytest.mark.slow

# What a worker is started with, of what files say of the server's settings.
SETTINGS = {"CHATTER_DRAIN_S": "0.01"}


PLAYED = [name for name, case in cases().items() if case.in_a_worker]


@pytest.fixture(scope="module")
def played(
    wire: WireServer, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[dict[str, Playing]]:
    """Each case, at its end."""
    those = [cases()[name] for name in PLAYED]
    home = tmp_path_factory.mktemp("worker")
    with django_db_blocker.unblock(), world_of(those, wire, home, SETTINGS) as world:
        world.worker.start()
        found = {name: world.furnish(name, world.stage_of(cases()[name])) for name in PLAYED}
        play(list(found.values()), world.worker)
        yield found


@pytest.mark.parametrize("name", PLAYED)
def test_what_a_file_says_is_so_in_a_worker(name: str, played: dict[str, Playing]) -> None:
    one = played[name]
    case = one.here.case
    assert one.told.status_code == 202, one.told.json()
    if one.error is not None:
        raise one.error
    assert not one.left, "It has not come to its end."
    seen = came_of(one.here, one.execution, one.wire)
    assert seen == expected(one.here, seen), case.about
    assert_ended(one.execution, one.wire)
    assert_script_was_played(one.here, one.wire)


def test_the_books_are_right(played: dict[str, Playing]) -> None:
    assert_books_are_right()


def test_it_is_started_with_what_the_files_set() -> None:
    for name in PLAYED:
        given = cases()[name].setup.settings
        assert {key: str(value) for key, value in given.items()}.items() <= SETTINGS.items()
