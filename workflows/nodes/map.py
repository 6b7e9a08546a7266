"""A workflow for each item of a list."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from workflows.definition.expressions import Expression, evaluate
from workflows.definition.values import as_text
from workflows.engine.errors import NodeError
from workflows.engine.items import for_each
from workflows.nodes.base import Inputs, NodeType, Outputs, Visit
from workflows.nodes.running import VARIABLE, RunsWorkflow, variable


class Config(RunsWorkflow):
    items: Expression = Field(min_length=1, description="An expression for the list of items.")
    result: str = Field(
        default="",
        pattern=rf"{VARIABLE}|^$",
        description="The variable of the workflow that is the result of an item; "
        "empty takes its answer.",
    )
    parallel: int = Field(default=5, ge=1, le=20, description="Items worked on at the same time.")
    max_items: int = Field(default=100, ge=1, le=1000, description="More are an error.")
    on_error: Literal["fail", "keep"] = Field(
        default="fail", description="When an item fails: fail with it, or keep the error and go on."
    )


class MapNode(NodeType[Config]):
    """Runs another workflow of yours once for each item of a list, several at the same time.

    Each gets the item as its message, and as `input.item` with its number `input.index`, from 0.
    `nodes.<id>.results` has the results in the order of the items, null for one that failed, and
    `nodes.<id>.errors` has `{index, code, message, node}` for each of those. What goes on as text
    are the results one below the other. Calls are in this run's ledger, under `<id>[3]/<node>`.
    """

    key: ClassVar[str] = "map"
    label: ClassVar[str] = "For each"
    can_fail: ClassVar[bool] = True
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        items = _items(config, evaluate(config.items, inputs.names(visit.context)))
        inner = await config.inner(inputs, visit)
        given = config.given(inputs, visit)
        says = "message" not in config.input

        async def result(at: int) -> tuple[Any]:
            message = {"message": as_text(items[at])} if says else {}
            own = {**given, **message, "item": items[at], "index": at}
            left = await inner.run(own, item=at)
            return (variable(left.variables, config.result) if config.result else left.text,)

        keeps = config.on_error == "keep"
        done = await for_each(len(items), result, parallel=config.parallel, keep_errors=keeps)
        results = [None if isinstance(one, NodeError) else one[0] for one in done]
        errors = [
            {"index": at, "code": one.code, "message": one.message, "node": one.node}
            for at, one in enumerate(done)
            if isinstance(one, NodeError)
        ]
        return Outputs(
            text="\n\n".join(filter(None, map(as_text, results))),
            values={"results": results, "errors": errors, "count": len(items)},
        )


def _items(config: Config, items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise NodeError("not_a_list", f"'{config.items}' is not a list.")
    if len(items) > config.max_items:
        message = f"There are {len(items):,} items, and at most {config.max_items:,} are taken."
        raise NodeError("too_many_items", message)
    return items
