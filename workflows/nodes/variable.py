"""A variable of the run."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, JsonValue, model_validator

from workflows.definition.expressions import Expression, evaluate
from workflows.definition.references import bind, small
from workflows.engine.errors import NodeError
from workflows.engine.state import ADD, APPEND, SET, Change, apply_changes
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_CHANGES = {"set": SET, "append": APPEND, "increment": ADD, "decrement": ADD}


class Config(NodeConfig):
    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    operation: Literal["set", "get", "append", "increment", "decrement"] = "set"
    value: JsonValue = Field(
        default=None,
        description="What is set, appended or counted by; its texts may hold {{ expressions }}.",
    )
    expression: Expression | None = Field(
        default=None, description="An expression for the value, in place of `value`."
    )
    default: JsonValue = Field(default=None, description="What `get` gives if there is none.")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_none(cls, data: Any) -> Any:
        """An empty expression is none: forms send what was left empty."""
        if isinstance(data, Mapping) and data.get("expression") == "":
            return {key: value for key, value in data.items() if key != "expression"}
        return data

    @model_validator(mode="after")
    def _default_is_for_get(self) -> Self:
        if "default" in self.model_fields_set and self.operation != "get":
            raise ValueError("Only `get` has a default.")
        return self


class VariableNode(NodeType[Config]):
    """Sets, reads, appends to or counts a variable; `nodes.<id>.value` is what it is then.

    To append to a variable that is not there starts a list, and counting starts at 0; to get one
    that is not there is an error, unless there is a default.
    """

    key: ClassVar[str] = "variable"
    label: ClassVar[str] = "Variable"
    can_fail: ClassVar[bool] = True
    at_once: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("value",)
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        names = inputs.names(visit.context)
        if config.operation == "get":
            return Outputs(values={"value": _got(config, inputs.variables, names)})
        value = _value(config, names)
        if config.operation in ("increment", "decrement"):
            value = _step(config, value, inputs.variables.get(config.name))
        change = Change(config.name, _CHANGES[config.operation], value)
        after = apply_changes(inputs.variables, [change])
        return Outputs(values={"value": small(after[config.name])}, changes=(change,))


def _got(config: Config, variables: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    if config.name in variables:
        return variables[config.name]
    if "default" not in config.model_fields_set:
        raise NodeError("no_such_variable", f"There is no variable '{config.name}'.")
    return bind(config.default, names)


def _value(config: Config, names: Mapping[str, Any]) -> Any:
    if config.expression is not None:
        return evaluate(config.expression, names)
    return bind(config.value, names)


def _step(config: Config, value: Any, before: Any) -> float:
    """By how much to count, once it is sure that it can be added."""
    step = _number(1 if value is None else value)
    step = step if config.operation == "increment" else -step
    if not math.isfinite(_number(0 if before is None else before) + step):
        raise NodeError("not_a_number", f"'{config.name}' would grow beyond what a number can be.")
    return step


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NodeError("not_a_number", f"{value!r} is not a number.")
    return value
