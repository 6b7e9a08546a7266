"""Something to say about a graph."""

from dataclasses import asdict, dataclass

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Issue:
    """`path` leads to the place, such as `nodes.draft.config.system`; `code` is stable."""

    code: str
    path: str
    message: str
    severity: str = ERROR

    def to_json(self) -> dict[str, str]:
        return asdict(self)
