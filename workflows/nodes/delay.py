"""A pause that holds no thread."""

from typing import ClassVar

from pydantic import Field

from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    seconds: float = Field(default=1.0, ge=0, le=3600)


class DelayNode(NodeType[Config]):
    """Waits. A run that is taken up by another process waits only for what is left."""

    key: ClassVar[str] = "delay"
    label: ClassVar[str] = "Delay"
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        await visit.context.services.sleep(visit.node, visit.number, config.seconds)
        return Outputs()
