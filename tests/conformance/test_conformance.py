"""Every file under `cases` is true: what it is and how to add one is told in this package.

Here the pump is in this process, as in the embedded profile. In the other one a worker plays them
(`test_in_a_worker.py`), and here only what it cannot.
"""

from typing import Any

import pytest
from django.db import connection

from tests.conformance.case import cases
from tests.conformance.recording import record_events
from tests.conformance.seen import (
    assert_script_was_played,
    assert_sound,
    came_of,
    expected,
    refused,
)
from tests.conformance.stage import execution_of, stage
from tests.conformance.steps import take
from tests.wire import WireServer
from workflows.models import WorkflowExecution

HERE = [
    name
    for name, case in cases().items()
    if connection.vendor != "postgresql" or not case.in_a_worker
]


@pytest.mark.django_db
@pytest.mark.parametrize("name", HERE)
def test_what_a_file_says_is_so(
    name: str, wire: WireServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases()[name]
    with stage(case, wire, settings) as here:
        before = WorkflowExecution.objects.count()
        told = here.begin()
        if case.expect.refused:
            assert (refused(told), told.status_code // 100) == (case.expect.refused, 4)
            assert WorkflowExecution.objects.count() == before
            return
        assert told.status_code == 202, told.json()
        execution = execution_of(told)
        execution = take(here, execution, monkeypatch)
        seen = came_of(here, execution, wire)
        record_events(name, seen["events"])
        assert seen == expected(here, seen), case.about
        assert_sound(execution, wire)
        assert_script_was_played(here, wire)
