"""Random sound graphs, and what they must do, worked out without the engine."""

from typing import Any

from hypothesis import strategies as st

_MOST_NODES = 7


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A graph without cycles: start, then variables, conditions and delays, then an end."""
    count = draw(st.integers(1, _MOST_NODES))
    nodes = [{"id": "start", "type": "start", "config": {}}]
    edges: set[tuple[str, str, str]] = set()
    for at in range(count):
        node = _node(draw, f"n{at}")
        for source in draw(
            st.lists(st.sampled_from(nodes), min_size=1, max_size=3, unique_by=lambda n: n["id"])
        ):
            edges.add((source["id"], _port(draw, source), node["id"]))
        nodes.append(node)
    sources = {edge[0] for edge in edges}
    for node in nodes:
        if node["id"] not in sources or draw(st.integers(0, 4)) == 0:
            edges.add((node["id"], _port(draw, node), "end"))
    nodes.append({"id": "end", "type": "end", "config": {}})
    order = draw(st.permutations(sorted(edges)))
    return {
        "nodes": draw(st.permutations(nodes)),
        "edges": [
            {"source": source, "source_port": port, "target": target}
            for source, port, target in order
        ],
    }


def _node(draw: st.DrawFn, name: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(["variable", "append", "conditional", "delay"]))
    if kind == "conditional":
        condition = draw(st.sampled_from(["true", "false", "1 < 2", "input.message == ''"]))
        return {"id": name, "type": kind, "config": {"condition": condition}}
    if kind == "delay":
        return {"id": name, "type": kind, "config": {"seconds": 0}}
    if kind == "append":
        config = {"name": "visited", "operation": "append", "value": name}
        return {"id": name, "type": "variable", "config": config}
    config = {"name": "sum", "operation": "increment", "value": draw(st.integers(1, 9))}
    return {"id": name, "type": "variable", "config": config}


def _port(draw: st.DrawFn, source: dict[str, Any]) -> str:
    return draw(st.sampled_from(["true", "false"])) if source["type"] == "conditional" else "out"


def holds(node: dict[str, Any]) -> str:
    """The port by which a node leaves."""
    if node["type"] != "conditional":
        return "out"
    return "true" if node["config"]["condition"] in ("true", "1 < 2") else "false"


def expected(graph: dict[str, Any]) -> tuple[dict[str, set[str]], int, list[str]]:
    """The nodes that run with the sources they wait for, the sum, and what is appended."""
    by_id = {node["id"]: node for node in graph["nodes"]}
    order = ["start", *sorted(name for name in by_id if name[0] == "n"), "end"]
    ran: dict[str, set[str]] = {"start": set()}
    for name in order[1:]:
        taken = {
            edge["source"]
            for edge in graph["edges"]
            if edge["target"] == name
            and edge["source"] in ran
            and holds(by_id[edge["source"]]) == edge["source_port"]
        }
        if taken:
            ran[name] = taken
    configs = [by_id[name]["config"] for name in ran]
    total = sum(c["value"] for c in configs if c.get("operation") == "increment")
    appended = sorted(c["value"] for c in configs if c.get("operation") == "append")
    return ran, total, appended
