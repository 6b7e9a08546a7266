"""Where a run ends."""

from typing import ClassVar

from pydantic import Field

from workflows.definition.references import render
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    output: str = Field(
        default="",
        description="The run's answer, with expressions such as {{ nodes.draft.text }}; "
        "empty takes the text that arrives.",
    )


class EndNode(NodeType[Config]):
    """Gives the run its answer."""

    key: ClassVar[str] = "end"
    label: ClassVar[str] = "End"
    ports: ClassVar[tuple[str, ...]] = ()
    at_once: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ()
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        if not config.output:
            return Outputs()
        return Outputs(text=render(config.output, inputs.names(visit.context)))
