"""Lists of Langflow, its loops as maps of ours, and what makes texts of their items."""

from workflows.interchange.assembly import ANY, EACH, PASSES, Step, make_node, row
from workflows.interchange.langflow_keys import must_stay
from workflows.interchange.langflow_texts import MOST_ITEMS, Wiring
from workflows.interchange.langflow_wires import ITEM
from workflows.interchange.phrases import NOTHING, list_of, plain
from workflows.nodes.map import Config

_NO_LIST = "The list that it goes over is not known here"
_NO_ROUND = "What is done for an item makes no whole round here"
_ONCE = "What was done for each item is done once, with what reaches it."


def texts(wiring: Wiring, key: str) -> None:
    """A list of texts, which a variable holds."""
    conversion = wiring.conversion
    one = conversion.nodes[key]
    found, is_given = (
        one.data.texts("texts", "value"),
        key in {owner for owner, _ in wiring.sources},
    )
    if is_given or not 0 < len(found) <= MOST_ITEMS or any(map(must_stay, found)):
        reason = f"The file has none of its texts, over {MOST_ITEMS:,}, or what may be a secret."
        conversion.leave_out(key, reason)
        return
    name = conversion.id_of(key, "list")
    config = {"name": name, "value": [plain(text) for text in found]}
    conversion.take(key, row(make_node(name, "variable", one.title, config)))


def each(wiring: Wiring, key: str) -> None:
    """A loop, whose round is what is done for an item."""
    conversion = wiring.conversion
    items = _items(wiring, key) if "map" in conversion.known.kinds else ""
    if not items or key not in wiring.rounds.by:
        lacking = _NO_ROUND if items else _NO_LIST
        conversion.leave_out(key, f"{lacking}: draw a map node in its place.")
        if any((link.source, link.handle) == (key, ITEM) for link in conversion.links):
            conversion.reports[key].note(_ONCE)
        return
    name = conversion.id_of(key, "each")
    config = Config.model_validate({"items": items, "parallel": 1, "max_items": MOST_ITEMS})
    node = make_node(name, "map", conversion.nodes[key].title, config.model_dump(mode="json"))
    conversion.take(key, Step((node,), exits={ITEM: (name, EACH), ANY: (name, "done")}))


def _items(wiring: Wiring, key: str) -> str:
    """An expression for the list a loop goes over; a text is a list of one."""
    found = wiring.items(key, "data")
    if found is not None:
        return list_of(wiring.named(found, key))
    name = wiring.name(key, "data")
    inside = wiring.sources.get((key, "data")) in wiring.rounds.body.get(key, ())
    return f"[{name}]" if name and not inside else ""


def template(wiring: Wiring, key: str) -> None:
    """A prompt or a parser: a part of the texts it is used in, or a node where it has to be one."""
    conversion = wiring.conversion
    one = conversion.nodes[key]
    if wiring.gives_list(key):
        conversion.leave_out(key, "Nothing here makes a list of texts of a list.")
        return
    if key not in wiring.spoken:
        conversion.steps[key] = PASSES
        conversion.reports[key].note("Its text stands where it was used.")
        return
    remembered: dict[str, None] = {}
    text = wiring.template(key, remembered)
    wiring.tell_missing(key, remembered)
    name = conversion.id_of(key, "prompt")
    config = {"template": text or NOTHING}
    conversion.take(key, row(make_node(name, "prompt", one.title, config)))


def converter(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    conversion.steps[key] = PASSES
    note = "Texts and data are of one kind here: what it was given goes on as it is."
    conversion.reports[key].note(note)
    if conversion.nodes[key].data.true("auto_parse", "value"):
        conversion.reports[key].note("It does not look for JSON or CSV in it.")
