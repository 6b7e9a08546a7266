"""An issue of a document: what is wrong, and where."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING = "error", "warning"
_LONGEST_NAME = 64
_PART = re.compile(r"(nodes|edges)\[(\d+)\]")
_KEYS = {"nodes": ("id",), "edges": ("source", "target")}


@dataclass(frozen=True, slots=True)
class Issue:
    """`code` is stable; `path` leads into the document, such as `nodes[2].config.window`."""

    code: str
    severity: str
    path: str
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def error(code: str, path: str, message: str, hint: str = "") -> Issue:
    """What keeps the graph from running."""
    return Issue(code, ERROR, path, message, hint)


def warning(code: str, path: str, message: str, hint: str = "") -> Issue:
    """What its author will want to know."""
    return Issue(code, WARNING, path, message, hint)


def errors_in(issues: Iterable[Issue]) -> Sequence[Issue]:
    """Those that keep the graph from running."""
    return [issue for issue in issues if issue.severity == ERROR]


def path_of(*steps: str | int) -> str:
    """`nodes[2].config.window`; a key that is no plain name is quoted: `config["a b"]`."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier() and step.isascii():
            text += f".{shortened(step)}" if text else shortened(step)
        else:
            text += f"[{json.dumps(shortened(step))}]"
    return text


def part_at(path: str, graph: Any) -> str:
    """The node that a path leads into, by its id, or the edge, by its ends; empty for others."""
    found = _PART.match(path)
    parts = graph.get(found[1]) if found and isinstance(graph, Mapping) else None
    if not found or not isinstance(parts, Sequence) or int(found[2]) >= len(parts):
        return ""
    part, keys = parts[int(found[2])], _KEYS[found[1]]
    names = [part.get(key) for key in keys] if isinstance(part, Mapping) else []
    return " → ".join(shortened(name) for name in names if name)


def shortened(name: object) -> str:
    """A name of the document as a message may repeat it: short, and of characters that exist."""
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
