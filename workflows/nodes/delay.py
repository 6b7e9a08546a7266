"""A pause that holds no thread."""

import random
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

MAX_SECONDS = 3600
_ENOUGH_DOUBLINGS = 64


class Config(NodeConfig):
    kind: Literal["fixed", "random", "exponential"] = "fixed"
    seconds: float = Field(
        default=1.0,
        ge=0,
        le=MAX_SECONDS,
        description="How long; at least, if random; at the first visit, if exponential.",
    )
    max_seconds: float = Field(
        default=MAX_SECONDS, ge=0, le=MAX_SECONDS, description="At most, if it is not fixed."
    )
    factor: float = Field(
        default=2.0, ge=1, le=10, description="Each visit is so many times as long: exponential."
    )

    @model_validator(mode="after")
    def _at_most_is_more(self) -> Self:
        if self.kind != "fixed" and self.max_seconds < self.seconds:
            raise ValueError("max_seconds is at least seconds.")
        return self


class DelayNode(NodeType[Config]):
    """Waits. A run that is taken up by another process waits only for what is left."""

    key: ClassVar[str] = "delay"
    label: ClassVar[str] = "Delay"
    leaves: ClassVar[tuple[str, ...]] = ("seconds",)
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        seconds = _seconds(config, visit)
        await visit.context.services.sleep(visit.node, visit.number, seconds)
        return Outputs(values={"seconds": seconds})


def _seconds(config: Config, visit: Visit) -> float:
    """The same for the same visit of a run, however often the run is taken up again."""
    if config.kind == "random":
        seed = f"{visit.context.seed}:{visit.name}:{visit.number}"
        chance = random.Random(seed)  # noqa: S311 - a replay is to choose the same, not a secret
        return chance.uniform(config.seconds, config.max_seconds)
    if config.kind == "exponential":
        growth = config.factor ** min(visit.number - 1, _ENOUGH_DOUBLINGS)
        return min(config.seconds * growth, config.max_seconds)
    return config.seconds
