"""Where a run begins."""

from typing import ClassVar

from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    pass


class StartNode(NodeType[Config]):
    """Passes on the message of the run's input."""

    key: ClassVar[str] = "start"
    label: ClassVar[str] = "Start"
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        return Outputs(text=str(visit.context.input.get("message", "")))
