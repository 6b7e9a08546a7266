"""Does what the graph names exist, and may the user use it? Both failures read "unknown"."""

from collections.abc import Iterator

from workflows.validation.issue import Issue, error, shortened
from workflows.validation.models import models_named_by
from workflows.validation.requests import check_request
from workflows.validation.schema import is_parameter
from workflows.validation.subject import Node, Subject


def check_resources(subject: Subject) -> Iterator[Issue]:
    if subject.world is None:
        return
    for node in subject.nodes:
        yield from _models(subject, node)
        yield from _tools(subject, node)
        yield from _approvers(subject, node)
        yield from check_request(subject.world, node)


def _models(subject: Subject, node: Node) -> Iterator[Issue]:
    for named in models_named_by(node):
        if subject.world and subject.world.model(named.name) is None:
            message = f"There is no model '{shortened(named.name)}', or you may not use it."
            if not named.name:
                message = "No model is the default."
            yield error("unknown_model", named.path, message, "GET /api/v1/models/ lists yours.")


def _tools(subject: Subject, node: Node) -> Iterator[Issue]:
    names = node.setting("tools", ()) if node.has("tools") else ()
    for at, name in enumerate(names if isinstance(names, list | tuple) else ()):
        if isinstance(name, str) and subject.world and not subject.world.may_use(name):
            message = f"There is no tool '{shortened(name)}', or you may not use it."
            path = node.path("config", "tools", at)
            yield error("unknown_tool", path, message, "GET /api/v1/tools/ lists yours.")


def _approvers(subject: Subject, node: Node) -> Iterator[Issue]:
    names = node.setting("approvers", ()) if node.key == "approval" else ()
    for at, name in enumerate(names if isinstance(names, list | tuple) else ()):
        if not isinstance(name, str) or is_parameter(name):
            continue
        if subject.world and not subject.world.may_approve(name):
            message = f"There is no user or group '{shortened(name)}'."
            hint = "Name users as they sign in, and groups as group:<name>."
            yield error("unknown_approver", node.path("config", "approvers", at), message, hint)
