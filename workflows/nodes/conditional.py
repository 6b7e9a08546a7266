"""A branch."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from workflows.definition.expressions import Expression, is_true
from workflows.definition.graph import ERROR
from workflows.engine.turns import take_turn
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, PortsFrom, Visit

ELSE = "else"


class Branch(NodeConfig):
    port: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    condition: Expression = Field(description="An expression that is true or false.")


class Config(NodeConfig):
    condition: Expression | None = Field(
        default=None, description="An expression: the node leaves by `true` or `false`."
    )
    branches: tuple[Branch, ...] = Field(
        default=(), max_length=20, description="Tried in order; if none holds, `else` is taken."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        ports = [branch.port for branch in self.branches]
        if (self.condition is None) == (not ports):
            raise ValueError("Give either a condition or branches.")
        if len({*ports, ELSE, ERROR}) < len(ports) + 2:
            raise ValueError(f"Each branch has a port of its own, other than {ELSE} and {ERROR}.")
        return self


class ConditionalNode(NodeType[Config]):
    """Leaves by the port of the first condition that holds: `true` or `false`, or one of its own.

    A condition that cannot be told is an error, never true. `nodes.<id>.port` is the port taken.
    """

    key: ClassVar[str] = "conditional"
    label: ClassVar[str] = "Condition"
    ports: ClassVar[tuple[str, ...]] = ("true", "false")
    ports_from: ClassVar[tuple[PortsFrom, ...]] = (
        PortsFrom("branches", (ELSE,), each="branches[].port"),
        PortsFrom("", ports),
    )
    can_fail: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("port", "holds")
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        port, holds = await _taken(config, inputs, visit)
        return Outputs(port=port, values={"port": port, "holds": holds})


async def _taken(config: Config, inputs: Inputs, visit: Visit) -> tuple[str, bool]:
    """The port, and whether a condition led to it."""
    branches, otherwise, names = config.branches, ELSE, inputs.names(visit.context)
    if config.condition is not None:
        branches, otherwise = (Branch(port="true", condition=config.condition),), "false"
    for branch in branches:
        await take_turn(visit.context.execution_id)
        if is_true(branch.condition, names):
            return branch.port, True
    return otherwise, False
