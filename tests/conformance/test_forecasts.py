"""What a run uses is never more than its forecast says it may use at most."""

from decimal import Decimal
from typing import Any

import pytest

from core.money import nano_dollars
from llms.bounding import most_of
from llms.models import ModelCall, ModelProfile
from llms.services.profiles import forget_profiles, resolve_profile
from tests.conformance.case import Case, cases
from tests.conformance.stage import Stage, execution_of, stage
from tests.drills.mortal import take_up
from tests.wire import WireServer

WINDOW = 20_000
FORESEEN = [
    name
    for name, case in cases().items()
    if case.model and case.door == "graph" and case.then[0] == "run" and not case.expect.refused
]


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORESEEN)
def test_a_run_uses_no_more_than_its_forecast_said(
    name: str, wire: WireServer, settings: Any
) -> None:
    with stage(cases()[name], wire, settings) as here:
        ModelProfile.objects.filter(context_window=None).update(context_window=WINDOW)
        forget_profiles()
        at_most = _forecast(here, cases()[name])
        execution = execution_of(here.begin())
        take_up()
        calls = ModelCall.objects.filter(origin=execution.origin)
        if at_most["tokens"] is None:
            assert at_most["unknown"]
            return
        assert sum(call.total_tokens or 0 for call in calls) <= at_most["tokens"]
        if at_most["cost"] is not None:
            spent = sum(call.cost_nano_usd or 0 for call in calls)
            assert spent <= nano_dollars(Decimal(at_most["cost"]))
        assert sum(_reserved(call, here) for call in calls) <= at_most["tokens"]


def test_most_of_the_cases_are_looked_at() -> None:
    assert len(FORESEEN) > 80


def _forecast(here: Stage, case: Case) -> Any:
    body = {"graph": here.named(case.document), "parameters": case.parameters}
    told = here.client.post("/api/v1/workflows/forecast/", body)
    assert told.status_code == 200, told.json()
    return told.json()["at_most"]


def _reserved(call: ModelCall, here: Stage) -> int:
    """As much as if every call that was made had used all that it might."""
    profile = resolve_profile(f"{call.provider}:{call.model}", here.alice)
    return most_of(profile, call.parameters).tokens or 0
