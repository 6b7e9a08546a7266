"""Bodies of requests about experiments."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from core.names import Name
from experiments.metrics import EVENT, LEDGER
from workflows.api.inputs import Body, JsonObject, Text

_NAME = 255
_MOST = 100
_MOST_EVENTS = 20
EVENT_NAME = 60
Who = Annotated[Text, Field(min_length=1, max_length=_NAME)]
Percent = Annotated[int, Field(ge=1, le=100)]


class VariantIn(Body):
    """What answers instead of the target: a `number` of its versions, or another `template` (slug
    or id), and `parameters` such as `model` or `system`.
    """

    name: Name = Field(max_length=80)
    weight: int = Field(default=1, ge=1, le=10_000)
    control: bool = Field(default=False, strict=True)
    number: int | None = Field(default=None, ge=1, le=2**31 - 1)
    template: Text = Field(default="", max_length=_NAME)
    parameters: JsonObject = Field(default_factory=dict)


class GuardIn(Body):
    """An arm is stopped once it is worse than the control by more than the margin.

    For shares (errors, rating), the margin is absolute; otherwise it is a fraction of the control's
    mean.
    """

    metric: Literal["cost", "latency", "errors", "tokens", "rating"]
    margin: float = Field(ge=0, le=100, allow_inf_nan=False)

    @model_validator(mode="after")
    def can_be_crossed(self) -> Self:
        if LEDGER[self.metric].share and self.margin >= 1:
            raise ValueError("No share is worse by 1 (100 points) or more: 5 points are 0.05.")
        return self


def _each_once(guards: list[GuardIn]) -> list[GuardIn]:
    if len({one.metric for one in guards}) < len(guards):
        raise ValueError("Each metric has one guard rail.")
    return guards


EventName = Annotated[Text, Field(min_length=1, max_length=EVENT_NAME)]
Primary = Annotated[Text, Field(max_length=len(EVENT) + EVENT_NAME)]
Events = dict[EventName, Literal["lower", "higher"]]
Guards = Annotated[list[GuardIn], AfterValidator(_each_once)]


class ExperimentIn(Body):
    """About a definition or a template (slug or id). `primary` is cost, latency, errors, tokens,
    rating or event:<name>; for an event, `better` says which direction is better. `events` says the
    same of other events, by name; for those it does not name, higher is better.
    """

    name: Name
    hypothesis: Text = Field(default="", max_length=5_000)
    definition: UUID | None = None
    template: Text = Field(default="", max_length=_NAME)
    unit: Literal["user", "conversation"] = "conversation"
    audience: Literal["own", "chosen", "everyone"] = "own"
    users: list[Who] = Field(default_factory=list, max_length=_MOST)
    groups: list[Who] = Field(default_factory=list, max_length=_MOST)
    traffic_percent: Percent = 100
    primary: Primary
    better: Literal["lower", "higher"] = "higher"
    events: Events = Field(default_factory=dict, max_length=_MOST_EVENTS)
    guards: Guards = Field(default_factory=list)
    window_min: int = Field(default=1_440, ge=1, le=43_200)
    planned_units: int = Field(default=1_000, ge=100, le=100_000_000)
    variants: list[VariantIn] = Field(max_length=_MOST)


class ExperimentChange(Body):
    """Sets the given fields; `variants` replaces all of them. If an event becomes the primary
    metric, higher is better unless `better` or `events` says otherwise.
    """

    name: Name = "-"
    hypothesis: Text = Field(default="", max_length=5_000)
    unit: Literal["user", "conversation"] = "conversation"
    audience: Literal["own", "chosen", "everyone"] = "own"
    users: list[Who] = Field(default_factory=list, max_length=_MOST)
    groups: list[Who] = Field(default_factory=list, max_length=_MOST)
    traffic_percent: Percent = 100
    primary: Primary = ""
    better: Literal["lower", "higher"] = "higher"
    events: Events = Field(default_factory=dict, max_length=_MOST_EVENTS)
    guards: Guards = Field(default_factory=list)
    window_min: int = Field(default=1_440, ge=1, le=43_200)
    planned_units: int = Field(default=1_000, ge=100, le=100_000_000)
    variants: list[VariantIn] = Field(default_factory=list, max_length=_MOST)


class PlanIn(Body):
    """`effect` is the fraction of the mean by which an arm should differ: 0.1 for ten per cent.

    `mean` and `deviation` of a unit, if given, are used instead of the observed ones.
    """

    effect: float = Field(gt=0, le=100, allow_inf_nan=False)
    mean: float | None = Field(default=None, allow_inf_nan=False, gt=-1e12, lt=1e12)
    deviation: float | None = Field(default=None, allow_inf_nan=False, gt=0, lt=1e12)

    @model_validator(mode="after")
    def both_or_neither(self) -> Self:
        if (self.mean is None) != (self.deviation is None):
            raise ValueError("Mean and deviation are given together.")
        return self


class PromoteIn(Body):
    variant: UUID


class EventIn(Body):
    """`unit` is the id of the user or conversation. The same `key` counts once."""

    name: EventName
    unit: UUID
    value: float = Field(default=1.0, allow_inf_nan=False, ge=-1e12, le=1e12)
    key: Text = Field(default="", max_length=100)


def service_arguments(body: dict[str, Any]) -> dict[str, Any]:
    """A body as the services take it: margins are kept as text, as people wrote them."""
    if "guards" in body:
        guards = [GuardIn.model_validate(one) for one in body["guards"]]
        body["guards"] = [{"metric": one.metric, "margin": f"{one.margin:g}"} for one in guards]
    return body
