"""What happens when a node fails."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from workflows.definition.graph import ERROR
from workflows.definition.references import render
from workflows.engine.errors import NodeError
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    retries: int = Field(default=0, ge=0, le=10, description="How often the node is tried again.")
    wait_s: float = Field(default=1.0, ge=0, le=300, description="Before the first of these tries.")
    backoff: float = Field(default=2.0, ge=1, le=10, description="How the wait grows each time.")
    then: Literal["continue", "fail"] = Field(
        default="continue", description="When it still fails: go on from here, or end the run."
    )
    text: str = Field(
        default="",
        max_length=50_000,
        description="What goes on in place of an answer, with references; empty: the error.",
    )


class ErrorHandlerNode(NodeType[Config]):
    """Stands at the `error` port of a node: tries it again, then goes on or ends the run as failed.

    Each try is a visit of the node that failed, so what was paid for is not paid again. Texts can
    name the error: `nodes.<id>.code` and `nodes.<id>.message` of the node that failed.
    """

    key: ClassVar[str] = "error_handler"
    label: ClassVar[str] = "Error handler"
    aliases: ClassVar[tuple[str, ...]] = ("errorHandler",)
    can_fail: ClassVar[bool] = True
    config = Config

    @classmethod
    def waits_s(cls, config: Mapping[str, Any]) -> Sequence[float]:
        checked = Config.model_validate(config)
        return [checked.wait_s * checked.backoff**at for at in range(checked.retries)]

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        failed = {node: inputs.nodes[node] for node in inputs.sources}
        for node, passed in failed.items():
            if config.then == "fail" and passed.port == ERROR:
                raise NodeError(passed.values["code"], passed.values["message"], node)
        if not config.text:
            return Outputs()
        return Outputs(text=render(config.text, inputs.names(visit.context)))
