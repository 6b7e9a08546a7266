"""What was cut off begins again after what cut it off, however long that takes the second time."""

from typing import Any

import pytest

from tests.conformance.case import Case, cases
from tests.conformance.seen import came_of
from tests.conformance.stage import execution_of, stage
from tests.conformance.steps import take
from tests.wire import WireServer
from workflows.pump import replay_order

CUT_OFF = {
    "approval/what_an_error_kept_from_beginning_does_not_begin_behind_it": "sub/wait",
    "approval/what_was_cut_off_in_an_item_does_not_begin_behind_it": "each[0]/wait",
    "reruns/a_retry_begins_nothing_that_an_error_beside_kept_from_it": "wait",
}


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "cut_off"), CUT_OFF.items())
def test_what_cut_it_off_has_all_the_time_it_takes(
    name: str, cut_off: str, wire: WireServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_order, "_LOOK_S", 0.05)
    case = _taking_longer(cases()[name])
    with stage(case, wire, settings) as here:
        execution = take(here, execution_of(here.begin()), monkeypatch)
        ran = came_of(here, execution, wire)["ran"]
        execution.refresh_from_db()
        assert (execution.status, cut_off in ran) == ("completed", False)


def _taking_longer(case: Case) -> Case:
    """Many rounds before the error."""
    longer = case.model_copy(deep=True)
    (again,) = [n for n in longer.setup.definitions["slow"].nodes.values() if n["type"] == "loop"]
    again["max_iterations"] = 200
    return longer
