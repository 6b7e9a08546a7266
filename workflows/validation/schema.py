"""Is it a graph at all, and is every node's configuration one its type knows?"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from workflows.definition.graph import GraphDefinition
from workflows.definition.references import references_in
from workflows.registry import NODE_TYPES
from workflows.validation.issue import Issue


def check_schema(graph: Any) -> Iterator[Issue]:
    try:
        definition = GraphDefinition.model_validate(graph)
    except ValidationError as error:
        yield from _told(error, "")
        return
    for node in definition.nodes:
        kind = NODE_TYPES.get(node.type)
        if kind is None:
            message = f"There is no node type '{node.type}'."
            yield Issue("unknown_node_type", f"nodes.{node.id}.type", message)
            continue
        yield from _config_issues(node.id, kind.config, node.config)


def _config_issues(node_id: str, model: type[BaseModel], config: dict[str, Any]) -> Iterator[Issue]:
    """A value that is a parameter gets its type from the parameter, so it is not judged here."""
    constant = {key: value for key, value in config.items() if not _is_parameter(value)}
    try:
        model.model_validate(constant)
    except ValidationError as error:
        bound = set(config) - set(constant)
        for issue in _told(error, f"nodes.{node_id}.config."):
            if issue.path.rsplit(".", 1)[-1] not in bound:
                yield issue
    for key in set(config) - set(constant) - set(model.model_fields):
        message = f"There is no setting '{key}'."
        yield Issue("extra_forbidden", f"nodes.{node_id}.config.{key}", message)


def _is_parameter(value: Any) -> bool:
    return isinstance(value, str) and any(
        name.split(".")[0] == "params" for name in references_in(value)
    )


def _told(error: ValidationError, prefix: str) -> Iterator[Issue]:
    for detail in error.errors(include_url=False, include_context=False):
        path = prefix + ".".join(str(step) for step in detail["loc"])
        yield Issue(detail["type"], path, detail["msg"])
