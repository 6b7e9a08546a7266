"""Does what the graph names exist, and may the one who asks use it? Both look the same: unknown."""

from collections.abc import Iterator

from workflows.validation.issue import Issue, error, shown
from workflows.validation.models import models_asked
from workflows.validation.subject import Node, Subject


def check_resources(subject: Subject) -> Iterator[Issue]:
    if subject.world is None:
        return
    for node in subject.nodes:
        yield from _models(subject, node)


def _models(subject: Subject, node: Node) -> Iterator[Issue]:
    for asked in models_asked(node):
        if subject.world and subject.world.model(asked.name) is None:
            message = f"There is no model '{shown(asked.name)}', or you may not use it."
            if not asked.name:
                message = "No model is the default."
            yield error("unknown_model", asked.path, message, "GET /api/v1/models/ lists yours.")
