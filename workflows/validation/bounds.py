"""How large a document may be, and the estimates above which its author is warned."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Characters are counted as written; `warn_…` only warn. `reachable` are hosts and
    networks that may be asked although they are private.
    """

    nodes: int = 100
    warn_nodes: int = 80
    edges: int = 200
    depth: int = 32
    document_characters: int = 1_000_000
    config_characters: int = 100_000
    expressions: int = 500
    workflow_depth: int = 5
    warn_seconds: float = 600
    warn_usd: float = 5
    reachable: tuple[str, ...] = ()
