"""A variable of the run."""

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from workflows.definition.conditions import BadExpression, evaluate
from workflows.engine.errors import NodeError
from workflows.engine.state import ADD, APPEND, SET, Change
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    operation: Literal["set", "get", "append", "increment", "decrement"] = "set"
    value: JsonValue = Field(default=None, description="A constant; `expression` comes first.")
    expression: str = Field(default="", description="A CEL expression for the value.")


class VariableNode(NodeType[Config]):
    """Sets, reads, appends to or counts a variable; its value is `nodes.<id>.value`."""

    key: ClassVar[str] = "variable"
    label: ClassVar[str] = "Variable"
    can_fail: ClassVar[bool] = True
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        before = inputs.variables.get(config.name)
        if config.operation == "get":
            return Outputs(values={"value": before})
        value = self._value(config, inputs, visit)
        if config.operation in ("increment", "decrement"):
            step = _number(1 if value is None else value)
            _number(before or 0)
            change = Change(config.name, ADD, step if config.operation == "increment" else -step)
        else:
            change = Change(config.name, APPEND if config.operation == "append" else SET, value)
        return Outputs(values={"value": value}, changes=(change,))

    def _value(self, config: Config, inputs: Inputs, visit: Visit) -> Any:
        if not config.expression:
            return config.value
        try:
            return evaluate(config.expression, inputs.names(visit.context))
        except BadExpression as error:
            raise NodeError("bad_expression", str(error)) from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NodeError("not_a_number", f"{value!r} is not a number.")
    return value
