"""A part of the graph, once for each item of a list."""

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from workflows.definition.expressions import BadExpression, Expression, evaluate
from workflows.definition.references import bind, small
from workflows.definition.values import as_text
from workflows.engine.errors import NodeError
from workflows.engine.items import for_each
from workflows.engine.nesting import Inner
from workflows.engine.state import Passed, RunState
from workflows.engine.turns import take_turn
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

EACH = "each"


class Config(NodeConfig):
    items: Expression = Field(min_length=1, description="An expression for the list of items.")
    result: JsonValue = Field(
        default=None,
        description="What an item gives, its texts with {{ expressions }} over what its nodes "
        "left; empty takes the text that comes back.",
    )
    parallel: int = Field(default=5, ge=1, le=20, description="Items worked on at the same time.")
    max_items: int = Field(default=100, ge=1, le=1000, description="More are an error.")
    on_error: Literal["fail", "keep"] = Field(
        default="fail", description="When an item fails: fail with it, or keep the error and go on."
    )


class MapNode(NodeType[Config]):
    """Runs a part of the graph once for each item of a list, several at the same time.

    The part is what `each` leads to, up to the edges that lead back here; then it leaves by `done`.
    What arrives there as text is the item; `nodes.<id>.item` is the item, `nodes.<id>.index` its
    number, from 0. All that was there before can be read, as it was; what an item sets, its own
    nodes see and nobody else. To run a workflow for each item, put a workflow node there.

    `nodes.<id>.results` has the results in the order of the items, null for one that failed, and
    `nodes.<id>.errors` has `{index, code, message, node}` for each of those; `nodes.<id>.count` is
    how many items there were. What goes on as text are the results one below the other. Calls are
    in the ledger under `<id>[3]/<node>`.
    """

    key: ClassVar[str] = "map"
    label: ClassVar[str] = "For each"
    ports: ClassVar[tuple[str, ...]] = (EACH, "done")
    can_fail: ClassVar[bool] = True
    round_port: ClassVar[str] = EACH
    has_body: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("results", "errors", "count")
    leaves_to_rounds: ClassVar[tuple[str, ...]] = ("item", "index")
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        items = _items(config, evaluate(config.items, inputs.names(visit.context)))
        if visit.body is None:
            raise RuntimeError("a map without a body is refused when it is validated")
        inner = Inner(visit.context, visit.node, visit.number, visit.body.graph)

        async def result(at: int) -> tuple[Any]:
            state = await inner.run_item(at, _begun(inputs, visit, items[at], at))
            await take_turn(visit.context.execution_id)
            return (_result(config, state, visit),)

        keeps = config.on_error == "keep"
        begun = None if keeps else visit.context.items.get((visit.name, visit.number))
        done = await for_each(
            len(items), result, parallel=config.parallel, keep_errors=keeps, first=begun
        )
        results = small([None if isinstance(one, NodeError) else one[0] for one in done])
        errors = [
            {"index": at, "code": one.code, "message": one.message, "node": one.node}
            for at, one in enumerate(done)
            if isinstance(one, NodeError)
        ]
        return Outputs(
            port="done",
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


def _begun(inputs: Inputs, visit: Visit, item: Any, at: int) -> RunState:
    """What the nodes of an item begin with: all there is, and this node as it stands for it."""
    values = {"item": item, "index": at}
    own = Passed(EACH, as_text(item), values, visit.number, memory=inputs.memory)
    nodes = {**inputs.nodes, visit.node: own}
    return {"nodes": nodes, "variables": dict(inputs.variables)}


def _result(config: Config, state: RunState, visit: Visit) -> Any:
    """What an item gives. Raises NodeError."""
    nodes = state["nodes"]
    back = visit.body.back if visit.body else ()
    came = [nodes[edge.source] for edge in back if nodes[edge.source].port == edge.source_port]
    text = "\n\n".join(filter(None, (passed.text for passed in came)))
    if config.result is None:
        return text
    try:
        return bind(config.result, Inputs(text, state["variables"], nodes).names(visit.context))
    except BadExpression as error:
        raise NodeError(error.code, str(error), visit.node) from error
