"""Small graphs that the tests of definitions are about."""

from typing import Any


def graph(*nodes: dict[str, Any], edges: list[str] | None = None, moved: float = 0) -> Any:
    """Start, these nodes in a row, end; or with edges written "a>b" and "a.port>b"."""
    whole = [{"id": "start", "type": "start"}, *nodes, {"id": "end", "type": "end"}]
    if edges is None:
        pairs = zip(whole, whole[1:], strict=False)
        edges = [f"{one['id']}>{other['id']}" for one, other in pairs]
    placed = [
        {"label": "", "config": {}, **node, "position": {"x": 200.0 * at, "y": moved}}
        for at, node in enumerate(whole)
    ]
    return {"nodes": placed, "edges": [edge(text) for text in edges]}


def edge(text: str) -> dict[str, str]:
    source, target = text.split(">")
    source, _, port = source.partition(".")
    return {"source": source, "source_port": port or "out", "target": target}


def asks(system: str = "", node: str = "model", **config: Any) -> dict[str, Any]:
    return {"id": node, "type": "model", "config": {"system": system, **config}}


def waits(seconds: float, node: str = "wait") -> dict[str, Any]:
    return {"id": node, "type": "delay", "config": {"seconds": seconds}}
