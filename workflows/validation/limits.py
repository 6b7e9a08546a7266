"""How many nodes, edges and expressions, and how long a configuration (pure)."""

import json
from collections.abc import Iterator, Sized
from typing import Any

from workflows.validation.bounds import Limits
from workflows.validation.expressions import expressions_of
from workflows.validation.issue import Issue, error, warning
from workflows.validation.subject import Subject

_SPLIT = "Move a part of it into a workflow of its own."


def check_counts(document: Any, limits: Limits) -> Iterator[Issue]:
    """Too many nodes or edges to look at: more than linear work is done for what passes here."""
    parts = document if isinstance(document, dict) else {}
    for name, most in (("nodes", limits.nodes), ("edges", limits.edges)):
        count = _count(parts.get(name))
        if count > most:
            message = f"A graph has at most {most} {name}, this has {count}."
            yield error(f"too_many_{name}", name, message, _SPLIT)


def check_limits(subject: Subject) -> Iterator[Issue]:
    limits, count = subject.limits, len(subject.nodes)
    if count >= limits.warn_nodes:
        message = f"This has {count} nodes; a graph has at most {limits.nodes}."
        yield warning("many_nodes", "nodes", message, _SPLIT)
    expressions = 0
    for node in subject.nodes:
        length = len(json.dumps(node.spec.config, ensure_ascii=False))
        if length > limits.config_characters:
            message = (
                f"The settings of a node have at most {limits.config_characters:,} characters."
            )
            yield error("config_too_large", node.path("config"), message)
        expressions += sum(1 for _ in expressions_of(node))
    if expressions > limits.expressions:
        message = f"A graph has at most {limits.expressions} expressions, this has {expressions}."
        yield error("too_many_expressions", "nodes", message, _SPLIT)


def _count(part: Any) -> int:
    return len(part) if isinstance(part, Sized) and not isinstance(part, str) else 0
