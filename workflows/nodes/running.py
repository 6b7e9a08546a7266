"""What nodes have in common that run another workflow."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, JsonValue

from workflows.definition.nesting import workflow_name
from workflows.definition.references import bind
from workflows.engine.errors import NodeError
from workflows.engine.nesting import Inner
from workflows.engine.result import ExecutionResult
from workflows.nodes.base import Inputs, NodeConfig, Visit

VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"


class RunsWorkflow(NodeConfig):
    """Which workflow is run, and what it is given."""

    definition: str = Field(min_length=1, max_length=64, description="The id of a workflow.")
    version: int | None = Field(
        default=None, ge=1, description="Its number in the history; empty takes what is published."
    )
    input: dict[str, JsonValue] = Field(
        default={},
        max_length=50,
        description="Its input by name; texts may hold {{ expressions }}. "
        "`message` is the text that arrives, unless it is given.",
    )
    parameters: dict[str, JsonValue] = Field(
        default={},
        max_length=50,
        description="Its parameters by name; texts may hold {{ expressions }}.",
    )

    async def result(self, inputs: Inputs, visit: Visit) -> ExecutionResult:
        """What the workflow gives. Raises NodeError, BadExpression."""
        parameters = bind(self.parameters, inputs.names(visit.context))
        name = workflow_name({"definition": self.definition, "version": self.version})
        graph = await visit.context.services.workflow(name, parameters)
        given = {"message": inputs.text, **bind(self.input, inputs.names(visit.context))}
        inner = Inner(visit.context, visit.node, visit.number, graph)
        return await inner.run_workflow(given, parameters)


def variable(variables: Mapping[str, Any], name: str) -> Any:
    """What a workflow left in a variable. Raises NodeError."""
    if name not in variables:
        raise NodeError("no_such_output", f"The workflow left no variable '{name}'.")
    return variables[name]
