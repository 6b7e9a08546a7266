"""An issue of a document: what is wrong, and where."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

ERROR, WARNING = "error", "warning"
_LONGEST_NAME = 64


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


def shortened(name: object) -> str:
    """A name of the document as a message may repeat it: short, and of characters that exist."""
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
