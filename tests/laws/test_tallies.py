"""What metrics count of the whole installation, after any history."""

from collections import Counter
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings

from llms.models import ModelCall
from telemetry.models import TallyKind
from telemetry.tallies import totals
from tests.drills.mortal import take_up
from tests.laws.histories import Town, histories, undone
from tools.models import ToolCall
from workflows.models import WorkflowExecution
from workflows.totals import TOKENS

_DELETING = ("forget_message", "forget_conversation", "forget_user", "erase")


@pytest.mark.usefixtures("built_in")
@given(histories)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_tallies_are_what_ended_however_processes_died(history: list[tuple[Any, ...]]) -> None:
    """As long as nothing is deleted: what is gone stays counted."""
    with undone(), override_settings(METRICS_TOKEN="x"):
        town = Town()
        for step in history:
            if step[0] not in _DELETING:
                town.act(step)
                assert _tallied() == _counted()
        take_up()
        assert _tallied() == _counted()


def _tallied() -> Counter[tuple[Any, ...]]:
    kept: Counter[tuple[Any, ...]] = Counter()
    for row in totals():
        place = (row["kind"], row["status"], row["source"], row["exactness"])
        kept[place] += row["count_sum"]
        kept[(*place, "cost")] += row["cost_nano_usd_sum"]
        kept[(*place, "tokens")] += sum(row[f"{name}_sum"] for name in TOKENS)
    return +kept


def _counted() -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for execution in WorkflowExecution.objects.filter(finished_at__isnull=False):
        found[(TallyKind.EXECUTION, execution.status, "", "")] += 1
    for tried in ToolCall.objects.filter(settled_at__isnull=False):
        found[(TallyKind.TOOL, tried.status, tried.answered_by, "")] += 1
    for call in ModelCall.objects.filter(settled_at__isnull=False):
        place = (TallyKind.MODEL, call.status, call.answered_by, call.exactness)
        found[place] += 1
        found[(*place, "cost")] += call.cost_nano_usd or 0
        found[(*place, "tokens")] += call.total_tokens or 0
    return +found
