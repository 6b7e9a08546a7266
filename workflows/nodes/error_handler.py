"""What happens when a node fails."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from workflows.definition.graph import ERROR
from workflows.definition.references import render
from workflows.engine.errors import NodeError
from workflows.engine.state import Passed
from workflows.nodes.base import OF_AN_ERROR, Inputs, NodeConfig, NodeType, Outputs, Visit


class Config(NodeConfig):
    scope: Literal["edge", "graph"] = Field(
        default="edge",
        description="Whose errors it takes up: of the nodes whose `error` leads here, or, where no "
        "edge leads here, every error that no other handler does.",
    )
    retries: int = Field(default=0, ge=0, le=10, description="How often the node is tried again.")
    wait_s: float = Field(default=1.0, ge=0, le=300, description="Before the first of these tries.")
    backoff: float = Field(default=2.0, ge=1, le=10, description="How the wait grows each time.")
    then: Literal["continue", "fail"] = Field(
        default="continue",
        description="When it still fails: go on from here, or end the run; the handler of a graph "
        "ends it when what is behind it is done.",
    )
    text: str = Field(
        default="",
        max_length=50_000,
        description="What goes on in place of an answer, with references; empty: the error.",
    )


class ErrorHandlerNode(NodeType[Config]):
    """Stands at the `error` port of a node: tries it again, then goes on or ends the run as failed.

    Each try is another visit of the node that failed: what came before it is not done and paid for
    again, all that a map or a workflow node runs within is.

    With the scope `graph`, and no edge to it, it is the handler of the whole graph: each node whose
    `error` leads nowhere is tried again, but for a handler that ends the run. When it still fails,
    that stops all branches, and what is behind the handler runs in their place. What was done
    before the node that failed can be read there, with `has()`. What is behind the handler is not
    tried again, and no limit of the run is taken up.

    Its own text and all behind it can name the error, in either scope: `nodes.<its id>.code`,
    `.message` and `.node`, the node that failed, with the path to it where that is within another.
    Of several that lead here and fail, it tells of the first in the order of the edges; each of
    them has the same three of its own error.
    """

    key: ClassVar[str] = "error_handler"
    label: ClassVar[str] = "Error handler"
    aliases: ClassVar[tuple[str, ...]] = ("errorHandler",)
    can_fail: ClassVar[bool] = True
    at_once: ClassVar[bool] = True
    names_itself: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = OF_AN_ERROR
    config = Config

    @classmethod
    def waits_s(cls, config: Mapping[str, Any]) -> Sequence[float]:
        checked = Config.model_validate(config)
        return [checked.wait_s * checked.backoff**at for at in range(checked.retries)]

    @classmethod
    def stops(cls, config: Mapping[str, Any]) -> bool:
        checked = Config.model_validate(config)
        return (checked.scope, checked.then) == ("edge", "fail")

    @classmethod
    def takes_up(cls, config: Mapping[str, Any]) -> Literal["", "continue", "fail"]:
        checked = Config.model_validate(config)
        return checked.then if checked.scope == "graph" else ""

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        if (error := _error(inputs, visit)) is None:
            return Outputs(text=_rendered(config, inputs, visit))
        if config.then == "fail" and inputs.sources:
            raise NodeError(**error.values)
        inputs = replace(inputs, nodes={**inputs.nodes, visit.node: error})
        text = _rendered(config, inputs, visit)
        if text is None and not inputs.sources:
            text = error.text
        return Outputs(text=text, values=error.values)


def _error(inputs: Inputs, visit: Visit) -> Passed | None:
    """What it tells of as its own: the error that it was reached by, the first of several.

    What the handler of a graph begins with is the error already.
    """
    if not inputs.sources:
        return inputs.nodes.get(visit.node)
    reached = (inputs.nodes[source] for source in inputs.sources)
    return next((passed for passed in reached if passed.port == ERROR), None)


def _rendered(config: Config, inputs: Inputs, visit: Visit) -> str | None:
    return render(config.text, inputs.names(visit.context)) if config.text else None
