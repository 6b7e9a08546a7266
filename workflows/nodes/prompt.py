"""A text made of what the run has."""

from typing import ClassVar

from pydantic import Field

from workflows.definition.references import MAX_TEMPLATE, render
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    template: str = Field(
        min_length=1,
        max_length=MAX_TEMPLATE,
        description="A text with {{ expressions }}, such as {{ nodes.draft.text }}.",
    )


class PromptNode(NodeType[Config]):
    """Renders a template and passes the text on, to a model or whatever follows."""

    key: ClassVar[str] = "prompt"
    label: ClassVar[str] = "Prompt"
    can_fail: ClassVar[bool] = True
    at_once: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ()
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        return Outputs(text=render(config.template, inputs.names(visit.context)))
