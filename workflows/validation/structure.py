"""Do nodes and edges make a graph that can run from a start to an end?"""

from collections import defaultdict
from collections.abc import Collection, Iterator

from workflows.definition.graph import ERROR as ERROR_PORT
from workflows.definition.loops import ways_out
from workflows.validation.issue import Issue, error, path_of, shortened, warning
from workflows.validation.subject import Node, Subject

_BY_A_LOOP = (
    "Only a loop node, and a model that calls tools, may be come back to: from what 'continue' or "
    "'tool_calls' leads to."
)
_BACK = "Draw an edge from the last node of the round to the loop node."
_ITEM_BACK = "Draw an edge from the last of the nodes that work on an item to the map node."
_TOOL_CALLS = "tool_calls"
_FROM_A_MODEL = f"Give a model `tools`, and draw an edge from its '{_TOOL_CALLS}' to this node."
_OWN = "Let the handler lead to nodes of its own, such as an end of its own."


def check_structure(subject: Subject) -> Iterator[Issue]:
    yield from _ids(subject)
    yield from _ends(subject)
    yield from _edges(subject)
    yield from _cycles(subject)
    yield from _handlers(subject)
    yield from _reach(subject)
    yield from _callers(subject)


def _ids(subject: Subject) -> Iterator[Issue]:
    seen: dict[str, int] = {}
    for node in subject.nodes:
        if node.id in seen:
            message = f"Node {seen[node.id]} has the id '{node.id}' already."
            yield error("duplicate_id", node.path("id"), message)
        seen.setdefault(node.id, node.at)


def _ends(subject: Subject) -> Iterator[Issue]:
    starts = [node for node in subject.nodes if node.key == "start"]
    if not starts:
        yield error("one_start", "nodes", "A graph has exactly one start, this has none.")
    for node in starts[1:]:
        message = f"A graph has exactly one start; '{starts[0].id}' is one already."
        yield error("one_start", node.path("type"), message)
    if not any(node.key == "end" for node in subject.nodes):
        yield error("no_end", "nodes", "A graph needs an end.")


def _edges(subject: Subject) -> Iterator[Issue]:
    seen = set()
    for at, edge in enumerate(subject.graph.edges):
        for end, node_id in (("source", edge.source), ("target", edge.target)):
            if node_id not in subject.by_id:
                message = f"There is no node '{shortened(node_id)}'."
                yield error("unknown_node", path_of("edges", at, end), message)
        if edge in seen:
            yield error("duplicate_edge", path_of("edges", at), "This edge stands twice.")
        seen.add(edge)
        yield from _port(subject.by_id.get(edge.source), at, edge.source_port)
        target = subject.by_id.get(edge.target)
        if target and target.key == "start":
            path = path_of("edges", at, "target")
            yield error("edge_into_start", path, "Nothing comes before the start.")


def _port(source: Node | None, at: int, port: str) -> Iterator[Issue]:
    if source is None or source.config is None or port in source.ports:
        return
    message = f"'{source.id}' has no port '{shortened(port)}'."
    hint = f"Its ports are {', '.join(source.ports)}." if source.ports else "It has none."
    yield error("unknown_port", path_of("edges", at, "source_port"), message, hint)


def _cycles(subject: Subject) -> Iterator[Issue]:
    places = {edge: at for at, edge in reversed(list(enumerate(subject.graph.edges)))}
    for edge in subject.flow.wrong:
        message = f"From '{edge.source}' the graph goes round to '{edge.target}' again."
        yield error("cycle", path_of("edges", places[edge]), message, _BY_A_LOOP)
    for loop in subject.flow.loops.values():
        for edge in ways_out(loop, [*subject.flow.onwards, *subject.flow.back]):
            message = f"A round of '{loop.head}' would be left in the middle."
            hint = f"Lead all that '{loop.port}' begins back there; go on by another of its ports."
            yield error("round_left", path_of("edges", places[edge]), message, hint)
    for node in subject.nodes:
        if node.key == "loop" and node.id not in subject.flow.loops:
            message = f"Nothing leads back to '{node.id}', so it never begins a second round."
            yield warning("loop_without_return", node.path(), message, _BACK)
        elif node.kind and node.kind.has_body and node.id not in subject.flow.loops:
            message = f"Nothing leads back to '{node.id}', so there is nothing to do for an item."
            yield error("map_without_return", node.path(), message, _ITEM_BACK)


def _handlers(subject: Subject) -> Iterator[Issue]:
    """What is behind the handler of the graph runs in place of the rest: nothing is of both."""
    flow, handlers = subject.flow, subject.handlers
    for node in handlers[1:]:
        message = f"A graph has at most one handler; '{handlers[0].id}' is one already."
        yield error("several_handlers", node.path("config", "scope"), message)
    both = flow.reached & flow.behind
    for at, edge in enumerate(subject.graph.edges):
        if edge.target in {node.id for node in handlers}:
            message = f"'{edge.target}' is the handler of the whole graph: no edge leads there."
            yield error("edge_into_handler", path_of("edges", at, "target"), message)
        elif edge.target in both and edge.source not in flow.reached:
            message = f"'{edge.target}' runs without an error, too."
            yield error("handler_shared", path_of("edges", at, "target"), message, _OWN)


def _reach(subject: Subject) -> Iterator[Issue]:
    flow, lonely = subject.flow, not any(node.key == "start" for node in subject.nodes)
    used = defaultdict(set)
    for edge in subject.graph.edges:
        used[edge.source].add(edge.source_port)
    for node in subject.nodes:
        if node.id not in flow.reached | flow.behind and not lonely:
            yield error("unreachable", node.path(), "No path leads here from the start.")
        if node.id not in subject.stops:
            yield from _ways_on(node, used[node.id])
    ends = {node.id for node in subject.nodes if node.key == "end"}
    if ends and not lonely and not ends & flow.reached:
        yield error("end_unreachable", "nodes", "No path leads from the start to an end.")


def _callers(subject: Subject) -> Iterator[Issue]:
    """A tools node can only fail where no model before it may have asked for a tool."""
    models = [node.id for node in subject.nodes if _asks_for_tools(node)]
    for node in subject.nodes:
        if node.key == "tools" and not any(
            subject.flow.comes_before(one, node.id) for one in models
        ):
            message = "No model that may call tools comes before this node: it has nothing to call."
            yield warning("no_model_for_tools", node.path(), message, _FROM_A_MODEL)


def _asks_for_tools(node: Node) -> bool:
    """Also one whose settings cannot be read, for they may say so."""
    return node.key == "model" and (node.config is None or _TOOL_CALLS in node.ports)


def _ways_on(node: Node, used: Collection[str]) -> Iterator[Issue]:
    """A port without an edge is where a run may end without an answer."""
    own = [port for port in node.ports if port != ERROR_PORT]
    if own and not used:
        yield warning("dead_end", node.path(), "Nothing follows this node.")
    for port in own if used else ():
        if port not in used:
            message = f"Nothing follows when '{node.id}' leaves by '{port}'."
            yield warning("port_unused", node.path(), message)
