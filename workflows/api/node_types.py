"""The catalogue of node types, made from their classes."""

from dataclasses import asdict
from inspect import cleandoc
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic_core import to_jsonable_python
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import NotFound
from core.queries import strict_query
from core.shapes import Shape
from workflows.definition.graph import ERROR
from workflows.registry import NODE_TYPES


class NodeTypeNotFound(NotFound):
    code = "node_type_not_found"
    message = "There is no node type '{key}'."


class PortsFromOut(Shape):
    """The ports of nodes in which `setting` is present and not empty, or, without a `setting`, of
    all others: one for each value at the path `each`, such as `branches[].port`, then `ports`.
    """

    setting: str
    each: str
    ports: list[str]


class NodeTypeOut(Shape):
    """A type of node: `config` is the JSON schema of its settings, `defaults` are their values.

    A node leaves through one of its `ports`. If settings decide on the ports, they are those of the
    first entry of `ports_from` that applies. A type that can fail also has `error`.
    """

    key: str
    label: str
    docs: str
    aliases: list[str]
    ports: list[str]
    ports_from: list[PortsFromOut]
    can_fail: bool
    config: dict[str, Any]
    defaults: dict[str, Any]


class NodeTypesOut(Shape):
    results: list[NodeTypeOut]


class NodeTypeList(APIView):
    """Every type of node there is, in the order of a palette."""

    @strict_query("node_types_list", [], NodeTypesOut)
    def get(self, request: Request) -> Response:
        shown = NodeTypesOut(results=[node_type_out(kind) for kind in NODE_TYPES.all()])
        return Response(shown.to_json())


class NodeTypeDetail(APIView):
    """One type of node, by its key or an alias."""

    @extend_schema(responses=NodeTypeOut)
    def get(self, request: Request, key: str) -> Response:
        kind = NODE_TYPES.get(key)
        if kind is None:
            raise NodeTypeNotFound(key=key)
        return Response(node_type_out(kind).to_json())


def node_type_out(kind: Any) -> NodeTypeOut:
    """Everything the class says of itself."""
    return NodeTypeOut(
        key=kind.key,
        label=kind.label,
        docs=cleandoc(type(kind).__doc__ or ""),
        aliases=list(kind.aliases),
        ports=[*kind.ports, ERROR] if kind.can_fail else list(kind.ports),
        ports_from=[PortsFromOut.model_validate(asdict(one)) for one in kind.ports_from],
        can_fail=kind.can_fail,
        config=kind.config.model_json_schema(),
        defaults=_defaults(kind),
    )


def _defaults(kind: Any) -> dict[str, Any]:
    fields = kind.config.model_fields.items()
    values = {
        name: field.get_default(call_default_factory=True)
        for name, field in fields
        if not field.is_required()
    }
    return dict(to_jsonable_python(values))
