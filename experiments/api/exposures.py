"""The exposures of an experiment: the rows behind its figures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from accounts.authentication import user_of
from accounts.models import User
from core.listing import ListFilter, Page, ShapeList, YesOrNo
from core.shapes import Shape
from experiments.models import Exposure
from experiments.rows import exposure_rows
from experiments.services.experiments import experiment_for
from workflows.models import ExecutionStatus
from workflows.totals import totals_json


class ExposureFilter(ListFilter):
    variant = filters.UUIDFilter(
        field_name="unit__variant_id", help_text="What the unit was assigned."
    )
    unit = filters.UUIDFilter(field_name="unit_id")
    counted = YesOrNo(method="that_count", help_text="Whether it counts.")
    status = filters.ChoiceFilter(field_name="execution__status", choices=ExecutionStatus.choices)

    class Meta:
        model = Exposure
        fields = ("diverted",)

    def that_count(self, rows: Any, name: str, value: bool) -> Any:
        return rows.filter(left_out="") if value else rows.exclude(left_out="")


class ExposureRow(Shape):
    """One turn of a unit. `variant` is what the unit was assigned, `answered_by` what answered: the
    control, if `diverted`. `unit_of` is the user or conversation (as `unit` of events), `execution`
    the run; both are null if they are not yours to see. The rest is what figures are made of:
    `counted`, or why not in `left_out` (`diverted`, `after_window`, `window_open`, `under_way`);
    how the run ended; whether the reply `helped`, as rated within the window. `event_sum` is that
    of the unit, if `metric` is an event.
    """

    id: UUID
    unit: UUID
    unit_of: str | None
    variant: UUID
    answered_by: UUID
    execution: UUID | None
    diverted: bool
    created_at: datetime
    counted: bool
    left_out: str
    status: str
    duration_ms: int | None
    total_tokens: int
    cost: str | None
    exactness: str
    helped: bool | None
    event_sum: float | None


def exposure_row(exposure: Any, reader: User) -> ExposureRow:
    """From a row of `exposure_rows`."""
    unit, execution = exposure.unit, exposure.execution
    totals = totals_json(vars(execution))
    own = reader.is_staff or unit.user_id == reader.pk
    return ExposureRow(
        id=exposure.id,
        unit=unit.id,
        unit_of=unit.key.partition(":")[2] if own else None,
        variant=unit.variant_id,
        answered_by=exposure.variant_id,
        execution=exposure.run,
        diverted=exposure.diverted,
        created_at=exposure.created_at,
        counted=not exposure.left_out,
        left_out=exposure.left_out,
        status=execution.status,
        duration_ms=execution.duration_ms,
        total_tokens=totals["total_tokens"],
        cost=totals["cost"],
        exactness=totals["exactness"],
        helped=exposure.helpful,
        event_sum=exposure.event_sum,
    )


_METRIC = OpenApiParameter(
    "metric", str, description="Only what the figures of this metric are made of."
)


@extend_schema_view(
    get=extend_schema(
        "experiment_exposures_list", parameters=[_METRIC], responses=Page[ExposureRow]
    )
)
class ExperimentExposures(ShapeList):
    """The turns that its variants answered, newest first, and what its figures take from them."""

    filterset_class = ExposureFilter
    asks = ("metric",)
    queryset = Exposure.objects.none()

    def shown(self, exposure: Exposure) -> ExposureRow:
        return exposure_row(exposure, user_of(self.request))

    def get_queryset(self) -> Any:
        reader = user_of(self.request)
        experiment = experiment_for(reader, self.kwargs["pk"])
        return exposure_rows(experiment, reader, self.request.query_params)
