"""Random sound graphs of everything there is: parts in a row, in branches, in loops, with errors.

A part is entered from loose ends (a node and a port) and leaves loose ends; what follows joins
them. Edges across parts lead from earlier nodes to later ones of the same round. What branches may
do at once is what may come in any order: they append to `seen` and count `sum`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.fakes import graph_of
from workflows.definition.graph import ERROR
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate

End = tuple[str, str]  # a node, and the port by which it leaves
_DEEPEST = 2
_MOST_NODES = 14
_CONDITIONS = ("true", "false", "text.contains('1')", "size(text) > 40", "input.message == 'x'")
_TEXTS = (
    "{id}({{ text }})",
    "{id}{{ size(text) }}",
    "{{ has(variables.sum) ? variables.sum : 0 }}{id}",
    "{{ has(variables.seen) ? variables.seen.size() : 0 }}{id}",
)
_ITEMS = ("[]", "[text]", "['1', '2', text]", "[1, [text], 2]", "[size(text)]", "text")
_SHORT = "{{ size(text) > 300 ? string(size(text)) : text }}"
# Workflows that others run, by their ids; the last one fails for some texts.
WITHIN = {
    "says": graph_of(
        {
            "in_start": {"type": "start"},
            "in_kept": {"type": "variable", "config": {"name": "kept", "expression": "text"}},
            "in_end": {"type": "end", "config": {"output": "({{ text }})"}},
        },
        ["in_start>in_kept", "in_kept>in_end"],
    ),
    "asks": graph_of(
        {
            "in_start": {"type": "start"},
            "in_model": {"type": "model"},
            "in_handler": {"type": "error_handler", "config": {"text": "none"}},
            "in_end": {"type": "end"},
        },
        [
            *("in_start>in_model", "in_model>in_end"),
            *("in_model.error>in_handler", "in_handler>in_end"),
        ],
    ),
    "fails": graph_of(
        {
            "in_start": {"type": "start"},
            "in_wait": {"type": "delay", "config": {"seconds": 0}},
            "in_prompt": {
                "type": "prompt",
                "config": {"template": "{{ text.contains('1') ? input.nowhere : text }}"},
            },
            "in_end": {"type": "end"},
        },
        ["in_start>in_wait", "in_wait>in_prompt", "in_prompt>in_end"],
    ),
}


class Builder:
    """Draws one graph. `rounds` are the loops around the place it is at, outermost first."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: list[dict[str, Any]] = []
        self.edges: dict[tuple[str, str, str], None] = {}
        self.rounds: tuple[str, ...] = ()
        self.sources: list[tuple[tuple[str, ...], str, str]] = []  # may have an edge across
        self.targets: dict[str, tuple[str, ...]] = {}
        self.left_to_the_graph = False  # whether an error is

    def graph(self) -> dict[str, Any]:
        self._node("start", {}, "start")
        ends = self._row([("start", "out")], 0, self.draw(st.integers(1, 4)))
        self._across()
        for name in ("end", "other")[: self.draw(st.integers(1, 2))]:
            self._node("end", {}, name)
            self._connect(ends, name)
        if self.left_to_the_graph:
            self._handler_of_the_graph()
        nodes = self.draw(st.permutations(self.nodes))
        edges = [dict(zip(("source", "source_port", "target"), e, strict=True)) for e in self.edges]
        return {"nodes": nodes, "edges": edges}

    def _row(self, ends: Sequence[End], depth: int, length: int) -> list[End]:
        for _ in range(length):
            ends = self._part(ends, depth)
        return list(ends)

    def _part(self, ends: Sequence[End], depth: int) -> list[End]:
        parts: list[Callable[[Sequence[End], int], list[End]]] = [
            *(self._work, self._work, self._model, self._handled, self._tools),
            *(self._request, self._approval, self._within),
        ]
        if depth == 0:  # all else is over then, so there is one error that comes first
            parts.append(self._left_to_the_graph)
        if depth < _DEEPEST and len(self.nodes) < _MOST_NODES:
            parts += [self._branches, self._branches, self._choice, self._loop, self._map]
        return self.draw(st.sampled_from(parts))(ends, depth)

    def _work(self, ends: Sequence[End], depth: int) -> list[End]:
        kind = self.draw(
            st.sampled_from(["append", "increment", "set", "prompt", "delay", "memory"])
        )
        name = f"n{len(self.nodes)}"
        configs: dict[str, dict[str, Any]] = {
            "append": {"name": "seen", "operation": "append", "value": name + "{{ size(text) }}"},
            "increment": {"name": "sum", "operation": "increment", "expression": "size(text)"},
            "set": {"name": name, "expression": "text"},
            "prompt": {"template": self.draw(st.sampled_from(_TEXTS)).replace("{id}", name)},
            "delay": {"seconds": 0},
            "memory": {"window": self.draw(st.integers(0, 4))},
        }
        types = {"append": "variable", "increment": "variable", "set": "variable"}
        return [self._entered(ends, types.get(kind, kind), configs[kind])]

    def _model(self, ends: Sequence[End], depth: int) -> list[End]:
        config: dict[str, Any] = {"system": "{{ input.message }}"}
        if self.draw(st.booleans()):
            config["output_schema"] = {"type": "object"}
        return self._with_handler(self._entered(ends, "model", config))

    def _handled(self, ends: Sequence[End], depth: int) -> list[End]:
        """A node that always fails, or fails for some texts."""
        configs = [("prompt", {"template": "{{ input.nowhere }}"})]
        configs += [("conditional", {"condition": "text.contains('1') || input.nowhere"})]
        kind, config = self.draw(st.sampled_from(configs))
        port = "true" if kind == "conditional" else "out"
        node, _ = self._entered(ends, kind, config, port)
        left = self._with_handler((node, port))
        return [*left, (node, "false")] if kind == "conditional" else left

    def _left_to_the_graph(self, ends: Sequence[End], depth: int) -> list[End]:
        self.left_to_the_graph = True
        some = self.draw(st.sampled_from(["text.contains('1')", "!has(variables.sum)", "true"]))
        return [self._entered(ends, "prompt", {"template": f"{{{{ {some} ? input.no : text }}}}"})]

    def _handler_of_the_graph(self) -> None:
        text = "{{ nodes.last_hope.node }}: {{ nodes.last_hope.code }}"
        config = {"retries": self.draw(st.integers(0, 2)), "wait_s": 0, "text": text}
        self._node("error_handler", {"scope": "graph", **config}, "last_hope")
        self._node("end", {}, "sorry")
        self._connect([("last_hope", "out")], "sorry")

    def _with_handler(self, end: End) -> list[End]:
        handler = f"n{len(self.nodes)}"
        config = {"retries": self.draw(st.integers(0, 2)), "wait_s": 0, "text": handler}
        self._node("error_handler", config, handler)
        self._connect([(end[0], "error")], handler)
        return [end, (handler, "out")]

    def _tools(self, ends: Sequence[End], depth: int) -> list[End]:
        config = {"tools": ["calculator"], "max_rounds": self.draw(st.integers(1, 3))}
        model, _ = self._entered(ends, "model", config)
        tools = f"n{len(self.nodes)}"
        self._node("tools", {"parallel": 2}, tools)
        self._connect([(model, "tool_calls")], tools)
        self._connect([(tools, "out")], model)
        return self._with_handler((model, "out"))

    def _request(self, ends: Sequence[End], depth: int) -> list[End]:
        config = {"method": "POST", "url": "https://example.com/{{ size(text) }}", "body": _SHORT}
        return self._with_handler(self._entered(ends, "http_request", config))

    def _approval(self, ends: Sequence[End], depth: int) -> list[End]:
        config = {"question": _SHORT, "on_deadline": self.draw(st.sampled_from(["fail", "reject"]))}
        node, port = self._entered(ends, "approval", config, "approved")
        return [*self._with_handler((node, port)), (node, "rejected")]

    def _within(self, ends: Sequence[End], depth: int) -> list[End]:
        config: dict[str, Any] = {"definition": self.draw(st.sampled_from(sorted(WITHIN)))}
        if self.draw(st.booleans()):
            config["output"] = {f"n{len(self.nodes)}": "kept"}
        return self._with_handler(self._entered(ends, "subworkflow", config))

    def _branches(self, ends: Sequence[End], depth: int) -> list[End]:
        count = self.draw(st.integers(2, 3))
        return [
            end
            for _ in range(count)
            for end in self._row(ends, depth + 1, self.draw(st.integers(1, 2)))
        ]

    def _choice(self, ends: Sequence[End], depth: int) -> list[End]:
        conditions = self.draw(st.lists(st.sampled_from(_CONDITIONS), min_size=1, max_size=2))
        config: dict[str, Any] = {"condition": conditions[0]}
        ports = ["true", "false"]
        if len(conditions) > 1:
            ports = ["one", "two", "else"]
            branches = zip(ports, conditions, strict=False)
            config = {"branches": [{"port": p, "condition": c} for p, c in branches]}
        node, _ = self._entered(ends, "conditional", config, ports[0])
        return [
            end
            for port in ports
            for end in self._row([(node, port)], depth + 1, self.draw(st.integers(0, 2)))
        ]

    def _loop(self, ends: Sequence[End], depth: int) -> list[End]:
        name = f"n{len(self.nodes)}"
        config: dict[str, Any] = {"max_iterations": self.draw(st.integers(1, 3))}
        if self.draw(st.booleans()):
            config["condition"] = f"nodes.{name}.iteration < 2"
        self._entered(ends, "loop", config, "done")
        self.rounds += (name,)
        ends = self._row([(name, "continue")], depth + 1, self.draw(st.integers(1, 2)))
        last = self._entered(ends, "prompt", {"template": _SHORT})
        self.rounds = self.rounds[:-1]
        self._connect([last], name)
        return [(name, "done")]

    def _map(self, ends: Sequence[End], depth: int) -> list[End]:
        """Some of its items may fail where nothing in it takes that up."""
        name = f"n{len(self.nodes)}"
        config: dict[str, Any] = {
            "items": self.draw(st.sampled_from(_ITEMS)),
            "parallel": self.draw(st.integers(1, 3)),
            "on_error": self.draw(st.sampled_from(["keep", "fail"])),
        }
        if self.draw(st.booleans()):
            config["result"] = {name: "{{ text }}", "at": f"{{{{ nodes.{name}.index }}}}"}
        self._entered(ends, "map", config, "done")
        self.rounds += (name,)
        inside = self._row([(name, "each")], depth + 1, self.draw(st.integers(1, 2)))
        if self.draw(st.booleans()):
            template = "{{ text.contains('2') ? input.nowhere : text }}"
            inside = [self._entered(inside, "prompt", {"template": template})]
        self.rounds = self.rounds[:-1]
        self._connect(inside, name)
        return self._with_handler((name, "done"))

    def _across(self) -> None:
        """Edges that make joins of nodes in different parts."""
        order = [node["id"] for node in self.nodes]
        pairs = [
            (source, port, target)
            for rounds, source, port in self.sources
            for target, around in self.targets.items()
            if rounds == around and order.index(source) < order.index(target)
        ]
        if pairs:
            for edge in self.draw(st.lists(st.sampled_from(pairs), max_size=3)):
                self.edges.setdefault(edge)

    def _entered(
        self, ends: Sequence[End], kind: str, config: dict[str, Any], port: str = "out"
    ) -> End:
        """A new node behind these ends, and how it leaves."""
        name = f"n{len(self.nodes)}"
        self._node(kind, config, name)
        self._connect(ends, name)
        self.sources.append((self.rounds, name, port))
        self.targets[name] = self.rounds
        return name, port

    def _node(self, kind: str, config: dict[str, Any], name: str) -> None:
        self.nodes.append({"id": name, "type": kind, "config": config})

    def _connect(self, ends: Sequence[End], target: str) -> None:
        for source, port in ends:
            self.edges.setdefault((source, port, target))


@st.composite
def whole_graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A graph of any types of nodes, in any order of its nodes."""
    return Builder(draw).graph()


@st.composite
def accepted_graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A whole graph and more edges, from any port and mostly onwards: those validation accepts."""
    builder = Builder(draw)
    graph = builder.graph()
    places = st.integers(0, len(builder.nodes) - 1)
    pairs = st.lists(places, min_size=2, max_size=2, unique=True)
    for pair in draw(st.lists(pairs, min_size=8, max_size=16)):
        onwards = draw(st.integers(0, 3))
        source, target = (builder.nodes[at] for at in (sorted(pair) if onwards else pair))
        if ports := _ports(source):
            port = draw(st.sampled_from(ports))
            edge = {"source": source["id"], "source_port": port, "target": target["id"]}
            more = {**graph, "edges": [*graph["edges"], edge]}
            graph = graph if errors_in(validate(more)) else more
    return graph


def _ports(node: dict[str, Any]) -> list[str]:
    kind: Any = NODE_TYPES.get(node["type"])
    return [*kind.ports_of(node["config"]), *([ERROR] if kind.can_fail else [])]
