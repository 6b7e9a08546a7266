"""What units of an experiment have gone through before a test begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from core.models import new_id
from experiments.models import Experiment, Exposure, Unit
from experiments.services.routing import unit_id
from workflows.models import ExecutionKind, ExecutionStatus, WorkflowExecution


@dataclass(frozen=True)
class Turn:
    """One turn: how it ended and what it used; `after` minutes after the unit's first."""

    after: int = 0
    status: str = ExecutionStatus.COMPLETED
    tokens: int = 100
    cost: float = 0.001
    took_ms: int | None = 1_000
    unpriced: int = 0
    diverted: bool = False


def lived(
    experiment: Experiment, user: User, at: datetime, units: dict[str, Sequence[Sequence[Turn]]]
) -> None:
    """By the variant's name: the turns of each of its units."""
    variants = {one.name: one for one in experiment.variants.all()}
    executions, exposures, rows = [], [], []
    for name, of_units in units.items():
        for turns in of_units:
            key = f"conversation:{new_id()}"
            unit = Unit(
                id=unit_id(experiment.id, key), created_at=at, experiment=experiment,
                variant=variants[name], key=key, user=user,
            )  # fmt: skip
            rows.append(unit)
            for number, turn in enumerate(turns):
                executions.append(_execution(experiment, unit, number, turn))
                exposures.append(
                    Exposure(
                        created_at=at + timedelta(minutes=turn.after),
                        experiment=experiment,
                        unit=unit,
                        variant=variants[name],
                        execution=executions[-1],
                        diverted=turn.diverted,
                    )  # fmt: skip
                )
    Unit.objects.bulk_create(rows)
    WorkflowExecution.objects.bulk_create(executions)
    Exposure.objects.bulk_create(exposures)


def _execution(experiment: Experiment, unit: Unit, number: int, turn: Turn) -> WorkflowExecution:
    at = unit.created_at + timedelta(minutes=turn.after)
    over: dict[str, Any] = {}
    if turn.took_ms is not None:
        over = {"finished_at": at, "duration_ms": turn.took_ms}
    return WorkflowExecution(
        created_at=at, user=unit.user, kind=ExecutionKind.CHAT,
        status=turn.status if over else ExecutionStatus.PENDING,
        version_id=unit.variant.version_id, template=experiment.template,
        definition=experiment.definition, request_id="past",
        serial_key=unit.key, serial_number=number + 1, call_count=1,
        input_tokens=turn.tokens, unpriced_calls=turn.unpriced,
        cost_nano_usd=round(turn.cost * 1e9), started_at=at, **over,
    )  # fmt: skip
