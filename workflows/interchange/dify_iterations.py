"""Iterations of Dify as maps of ours, and what stands in them and in loops."""

from workflows.interchange.assembly import ANY, EACH, Step, make_node
from workflows.interchange.dify_bodies import stands_in, starts_of
from workflows.interchange.dify_carried import is_carried
from workflows.interchange.dify_loops import declare, is_sayable
from workflows.interchange.dify_texts import value_of
from workflows.interchange.dify_variables import sets_something
from workflows.interchange.foreign import Conversion
from workflows.interchange.loose import Loose
from workflows.nodes.map import Config

_MOST_ITEMS, _MOST_AT_ONCE = 1_000, 20
_PARTS = {"llm", "if-else", "assigner", "http-request", "template-transform"}


def settle_bodies(conversion: Conversion) -> None:
    """Find the iterations and loops that can be carried over, and what stands in them.

    One that goes over what another gives falls with it.
    """
    nodes, ways = conversion.nodes, conversion.ways
    entries = {link.source: link.target for link in conversion.links if link.handle == EACH}
    entries = {key: to for key, to in entries.items() if key in nodes and not stands_in(nodes[key])}
    loops = starts_of(nodes, conversion.links).keys() & entries.keys()
    kinds = conversion.known.kinds
    bodies = {key for key in entries if nodes[key].type != "loop" and "map" in kinds} | loops
    for key in sorted(loops):
        declare(conversion, key)
    within = {
        one: key
        for key, entry in entries.items()
        for one in ways.reached([entry])
        if stands_in(nodes[one]) == key
    }
    while bodies != conversion.bodies:
        conversion.bodies = bodies
        conversion.inner = {one: key for one, key in within.items() if key in bodies}
        working = {key for one, key in conversion.inner.items() if _works(conversion, one)}
        conversion.texts.clear()  # what was put together may have named what falls
        bodies = {key for key in bodies if _is_sayable(conversion, key, key in working)}


def iteration(conversion: Conversion, key: str, data: Loose) -> None:
    if key not in conversion.bodies:
        conversion.leave_out(key, "Nothing here is the list it goes over, or is done for an item.")
        return
    report, name = conversion.reports[key], conversion.id_of(key, "each")
    selector = data.texts("output_selector")
    result = value_of(conversion, selector, key)
    if not result:
        report.note("What comes back stands where it refers to its output.")
    elif selector[1] == "structured_output" and data.at("flatten_output").value is not False:
        report.note("Lists that its items give stay lists of their own here.")
    at_once = data.number("parallel_nums") or 10 if data.true("is_parallel") else 1
    mode = data.text("error_handle_mode")
    config = Config.model_validate(
        {
            "items": _items(conversion, key),
            "result": f"{{{{{result}}}}}" if result else None,
            "parallel": int(min(max(at_once, 1), _MOST_AT_ONCE)),
            "max_items": _MOST_ITEMS,
            "on_error": "fail" if mode in ("", "terminated") else "keep",
        }
    )
    report.note(f"More than {_MOST_ITEMS:,} items are an error here.")
    if at_once > _MOST_AT_ONCE:
        report.note(f"At most {_MOST_AT_ONCE} items are worked on at the same time.")
    node = make_node(name, "map", conversion.nodes[key].title, config.model_dump(mode="json"))
    conversion.take(key, Step((node,), exits={EACH: (name, EACH), ANY: (name, "done")}))


def _works(conversion: Conversion, key: str) -> bool:
    """Whether a node does anything here for an item or in a round."""
    kind = conversion.nodes[key].type
    if kind not in _PARTS or not is_carried(conversion, key):
        return False
    return kind != "assigner" or sets_something(conversion, key)


def _is_sayable(conversion: Conversion, key: str, works: bool) -> bool:
    if conversion.nodes[key].type == "loop":
        return is_sayable(conversion, key, works=works)
    return works and bool(_items(conversion, key))


def _items(conversion: Conversion, key: str) -> str:
    return value_of(conversion, conversion.nodes[key].data.texts("data", "iterator_selector"), key)
