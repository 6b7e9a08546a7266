"""Another workflow, run within this one."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from workflows.engine.state import SET, Change
from workflows.nodes.base import Inputs, NodeType, Outputs, Visit
from workflows.nodes.running import VARIABLE, RunsWorkflow, variable

Name = Annotated[str, StringConstraints(pattern=VARIABLE)]


class Config(RunsWorkflow):
    output: dict[Name, Name] = Field(
        default={},
        max_length=50,
        description="Variables to set here, each to one that the workflow leaves.",
    )


class SubworkflowNode(NodeType[Config]):
    """Runs another workflow of yours; its answer goes on as text.

    It has variables of its own: what it left in them is `nodes.<id>.variables`, and `output` takes
    some of them over. It does not see the conversation. Which version it is is settled when the run
    begins. Its calls are in this run's ledger, under `<id>/<node>`; an error that it takes up
    nowhere is this node's.
    """

    key: ClassVar[str] = "subworkflow"
    label: ClassVar[str] = "Workflow"
    can_fail: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("variables",)
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        result = await config.result(inputs, visit)
        left = result.variables
        changes = [Change(ours, SET, variable(left, its)) for ours, its in config.output.items()]
        return Outputs(text=result.text, values={"variables": dict(left)}, changes=changes)
