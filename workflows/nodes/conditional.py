"""A branch."""

from typing import ClassVar

from pydantic import Field

from workflows.definition.conditions import BadExpression, is_true
from workflows.engine.errors import NodeError
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    condition: str = Field(min_length=1, description="A CEL expression that is true or false.")


class ConditionalNode(NodeType[Config]):
    """Leaves by `true` or `false`. A condition that cannot be told is an error, never true."""

    key: ClassVar[str] = "conditional"
    label: ClassVar[str] = "Condition"
    ports: ClassVar[tuple[str, ...]] = ("true", "false")
    can_fail: ClassVar[bool] = True
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        try:
            holds = is_true(config.condition, inputs.names(visit.context))
        except BadExpression as error:
            raise NodeError("bad_expression", str(error)) from error
        return Outputs(port="true" if holds else "false", values={"holds": holds})
