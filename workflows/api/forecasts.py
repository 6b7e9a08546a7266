"""What a run would cost and take, before it begins."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import user_of
from budgets.amounts import text_of
from budgets.api.shapes import UNIT_NAMES
from budgets.selectors import Short
from core.api import parse
from core.models import new_id
from core.money import dollars_text
from core.shapes import Shape
from workflows.api.execute import ExecuteGraphIn
from workflows.api.inputs import Body, JsonObject
from workflows.engine.request import ExecutionRequest
from workflows.services.definitions import DefinitionNotFound
from workflows.services.forecasts import Forecast, Seen, forecast


class ForecastIn(Body):
    """The parameters of the run."""

    parameters: JsonObject = Field(default_factory=dict)


class SeenOut(Shape):
    """Mean and 95th percentile over this many executions; null without any."""

    executions: int
    mean: int | None
    p95: int | None


class SeenCost(Shape):
    """The same in dollars."""

    executions: int
    mean: str | None
    p95: str | None


class HistoryOut(Shape):
    """The version's latest successful executions without reruns, at most a thousand."""

    duration_ms: SeenOut
    tokens: SeenOut
    cost: SeenCost


class UnknownOut(Shape):
    """Why there is no bound: a stable `code`, and the node."""

    code: str
    node: str
    message: str


class AtMostOut(Shape):
    """A bound derived from the graph, with what budgets reserve for each call: every loop to its
    end, every attempt made, the most expensive path taken. Null if there is none, for the reasons
    in `unknown`; `seconds` is when the run is ended, null if it never is.
    """

    seconds: float | None
    tokens: int | None
    cost: str | None
    unknown: list[UnknownOut]


class ShortOut(Shape):
    """A budget with less left than the run may need at most, in its `unit`.

    `needs` is null if that is unknown.
    """

    id: UUID
    name: str
    unit: str
    left: str
    needs: str | None


class ForecastOut(Shape):
    """`history` is past runs, `at_most` a bound; `short` lists budgets that may refuse calls."""

    version: str
    history: HistoryOut
    at_most: AtMostOut
    short: list[ShortOut]


class DefinitionForecast(APIView):
    """Of the published version."""

    @extend_schema(request=ForecastIn, responses=ForecastOut)
    def post(self, request: Request, pk: str) -> Response:
        try:
            definition = UUID(pk)
        except ValueError as error:
            raise DefinitionNotFound from error
        return _answer(request, parse(ForecastIn, request), definition=definition)


class TemplateForecast(APIView):
    """Of the template as it is."""

    @extend_schema(request=ForecastIn, responses=ForecastOut)
    def post(self, request: Request, pk: str) -> Response:
        return _answer(request, parse(ForecastIn, request), template=pk)


class GraphForecast(APIView):
    """Of a graph sent once, as it would be executed; nothing is stored."""

    @extend_schema(request=ExecuteGraphIn, responses=ForecastOut)
    def post(self, request: Request) -> Response:
        body = parse(ExecuteGraphIn, request)
        return _answer(request, body, graph=body.graph)


def _answer(request: Request, body: ForecastIn | ExecuteGraphIn, **what: Any) -> Response:
    user = user_of(request)
    asked = ExecutionRequest(
        id=new_id(),
        user_id=user.id,
        request_id="",
        input={},
        parameters=body.parameters,
        **what,
    )
    return Response(forecast_out(forecast(user, asked)).to_json())


def forecast_out(found: Forecast) -> ForecastOut:
    """Money in dollars."""
    cost, at_most = found.cost_nano_usd, found.at_most
    return ForecastOut(
        version=found.version.content_hash,
        history=HistoryOut(
            duration_ms=_seen(found.duration_ms),
            tokens=_seen(found.tokens),
            cost=SeenCost(
                executions=cost.executions,
                mean=dollars_text(cost.mean),
                p95=dollars_text(cost.p95),
            ),
        ),
        at_most=AtMostOut(
            seconds=at_most.seconds,
            tokens=at_most.tokens,
            cost=dollars_text(at_most.nano_usd),
            unknown=[UnknownOut(**asdict(one)) for one in at_most.unknown],
        ),
        short=[_short(one) for one in found.short],
    )


def _seen(seen: Seen) -> SeenOut:
    return SeenOut(executions=seen.executions, mean=seen.mean, p95=seen.p95)


def _short(one: Short) -> ShortOut:
    unit = one.budget.unit
    return ShortOut(
        id=one.budget.id,
        name=one.budget.name,
        unit=UNIT_NAMES[unit],
        left=str(text_of(unit, one.left)),
        needs=text_of(unit, one.needs),
    )
