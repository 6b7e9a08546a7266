"""A part of the graph that is repeated."""

from typing import ClassVar

from pydantic import Field

from workflows.definition.expressions import Expression, is_true
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    condition: Expression | None = Field(
        default=None, description="An expression; while it is true another round begins."
    )
    max_iterations: int = Field(default=10, ge=1, le=1000)


class LoopNode(NodeType[Config]):
    """Leaves by `continue` for another round and by `done` after the last one.

    The round ends with the edges that lead back here. Condition and nodes of the round can read
    `nodes.<id>.iteration`, the number of the round that has begun last; 0 before the first.
    """

    key: ClassVar[str] = "loop"
    label: ClassVar[str] = "Loop"
    ports: ClassVar[tuple[str, ...]] = ("continue", "done")
    can_fail: ClassVar[bool] = True
    at_once: ClassVar[bool] = True
    names_itself: ClassVar[bool] = True
    round_port: ClassVar[str] = "continue"
    leaves: ClassVar[tuple[str, ...]] = ("iteration",)
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        rounds = int(inputs.before.values["iteration"]) if inputs.before else 0
        if rounds < config.max_iterations and self._wanted(config, rounds, inputs, visit):
            return Outputs(port="continue", values={"iteration": rounds + 1})
        return Outputs(port="done", values={"iteration": rounds})

    def _wanted(self, config: Config, rounds: int, inputs: Inputs, visit: Visit) -> bool:
        if config.condition is None:
            return True
        names = inputs.names(visit.context)
        names["nodes"] = {**names["nodes"], visit.node: {"iteration": rounds, "text": inputs.text}}
        return is_true(config.condition, names)
