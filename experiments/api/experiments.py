"""Experiments: list, make, look at, change, delete; begin, pause, go on, end; what is known."""

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import parse
from core.listing import ListFilter, Page, ShapeList
from experiments.api.inputs import (
    EventIn,
    ExperimentChange,
    ExperimentIn,
    PlanIn,
    PromoteIn,
    service_arguments,
)
from experiments.api.shapes import (
    ExperimentOut,
    PlanOut,
    PromotedOut,
    ResultsOut,
    UnitEventOut,
    event_out,
    experiment_out,
    forecast_out,
    results_out,
)
from experiments.forecast import forecast, seen_of
from experiments.models import Experiment, UnitEvent
from experiments.results import results_of
from experiments.services.acts import (
    complete_experiment,
    pause_experiment,
    resume_experiment,
    start_experiment,
    stop_variant,
)
from experiments.services.events import tell_event
from experiments.services.experiments import (
    change_experiment,
    create_experiment,
    delete_experiment,
    experiment_for,
)
from experiments.services.promoting import promote_variant


class ExperimentFilter(ListFilter):
    class Meta:
        model = Experiment
        fields = ["status", "definition", "template"]


@extend_schema_view(get=extend_schema("experiments_list", responses=Page[ExperimentOut]))
class ExperimentList(ShapeList):
    """Your experiments, newest first."""

    filterset_class = ExperimentFilter
    shown = staticmethod(experiment_out)
    queryset = Experiment.objects.none()

    def get_queryset(self) -> Any:
        return Experiment.objects.visible_to(user_of(self.request)).for_list()

    @extend_schema(request=ExperimentIn, responses={201: ExperimentOut})
    def post(self, request: Request) -> Response:
        body = service_arguments(parse(ExperimentIn, request).model_dump())
        made = create_experiment(owner=user_of(request), **body)
        return Response(experiment_out(made).to_json(), status=status.HTTP_201_CREATED)


class ExperimentDetail(GenericAPIView[Experiment]):
    @extend_schema(responses=ExperimentOut)
    def get(self, request: Request, pk: str) -> Response:
        return Response(experiment_out(experiment_for(user_of(request), pk)).to_json())

    @extend_schema(request=ExperimentChange, responses=ExperimentOut)
    def patch(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        found = experiment_for(user, pk)
        body = service_arguments(parse(ExperimentChange, request).model_dump(exclude_unset=True))
        changed = change_experiment(found, by=user, **body)
        return Response(experiment_out(changed).to_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        delete_experiment(experiment_for(user, pk), by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class _Act(GenericAPIView[Experiment]):
    """Subclasses say which act a POST is."""

    act: ClassVar[Callable[..., Experiment]]

    @extend_schema(request=None, responses=ExperimentOut)
    def post(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        moved = type(self).act(experiment_for(user, pk), by=user)
        return Response(experiment_out(moved).to_json())


class ExperimentStart(_Act):
    """Its variants answer from now on, and it can no longer be changed."""

    act = start_experiment


class ExperimentPause(_Act):
    """Turns are answered as if there were no experiment until it is resumed."""

    act = pause_experiment


class ExperimentResume(_Act):
    """Every unit keeps its variant."""

    act = resume_experiment


class ExperimentComplete(_Act):
    """Ends it: turns are answered as if there were no experiment."""

    act = complete_experiment


class VariantStop(GenericAPIView[Experiment]):
    """The control answers its units from now on. Safe to repeat."""

    @extend_schema(request=None, responses=ExperimentOut)
    def post(self, request: Request, pk: str, variant: str) -> Response:
        user = user_of(request)
        stop_variant(experiment_for(user, pk), variant, by=user)
        return Response(experiment_out(experiment_for(user, pk)).to_json())


class ExperimentPromote(GenericAPIView[Experiment]):
    """End it and make what this variant ran the default: a published version, or a template."""

    @extend_schema(request=PromoteIn, responses=PromotedOut)
    def post(self, request: Request, pk: str) -> Response:
        user = user_of(request)
        body = parse(PromoteIn, request)
        became = promote_variant(experiment_for(user, pk), body.variant, by=user)
        return Response(PromotedOut(**became).to_json())


class ExperimentResults(GenericAPIView[Experiment]):
    """What is known, in words and figures; computed on request."""

    @extend_schema(responses=ResultsOut)
    def get(self, request: Request, pk: str) -> Response:
        experiment = experiment_for(user_of(request), pk)
        return Response(results_out(results_of(experiment)).to_json())


class ExperimentPlan(GenericAPIView[Experiment]):
    """How many units, and how long, it takes to detect an effect. Writes nothing."""

    @extend_schema(request=PlanIn, responses=PlanOut)
    def post(self, request: Request, pk: str) -> Response:
        experiment = experiment_for(user_of(request), pk)
        asked = parse(PlanIn, request).model_dump()
        found = forecast(experiment, seen_of(experiment), **asked)
        return Response(forecast_out(experiment, found).to_json())


@extend_schema_view(get=extend_schema("experiment_events_list", responses=Page[UnitEventOut]))
class ExperimentEvents(ShapeList):
    """What its units did elsewhere, newest first."""

    filter_backends = ()
    queryset = UnitEvent.objects.none()
    shown = staticmethod(event_out)

    def get_queryset(self) -> Any:
        experiment = experiment_for(user_of(self.request), self.kwargs["pk"])
        return UnitEvent.objects.filter(experiment=experiment).select_related("unit")

    @extend_schema(request=EventIn, responses={200: UnitEventOut, 201: UnitEventOut})
    def post(self, request: Request, pk: str) -> Response:
        experiment = experiment_for(user_of(request), pk)
        body = parse(EventIn, request)
        told, new = tell_event(experiment, **{**body.model_dump(), "unit": str(body.unit)})
        code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
        return Response(event_out(told).to_json(), status=code)
