"""Where a run begins."""

from typing import ClassVar

from workflows.definition.values import as_text
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    pass


class StartNode(NodeType[Config]):
    """Passes on the message of the run's input."""

    key: ClassVar[str] = "start"
    label: ClassVar[str] = "Start"
    at_once: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ()
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        """The text that a fork puts here is in the run's input; in a run within it, it is not."""
        edit = visit.context.edit_of(visit.node, visit.number) if visit.context.path else None
        if edit is not None and edit.text is not None:
            return Outputs(text=edit.text)
        return Outputs(text=as_text(visit.context.input.get("message")))
