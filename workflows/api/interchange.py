"""Workflows as files."""

import re

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import user_of
from core.api import MalformedBody, UnsupportedMediaType
from core.errors import Invalid
from core.queries import strict_query
from core.shapes import Shape
from workflows.api.definition_shapes import DefinitionWhole, whole_definition
from workflows.interchange.reading import from_yaml, kept
from workflows.interchange.report import Unreadable
from workflows.models import WorkflowDefinition
from workflows.services.definitions import definition_for
from workflows.services.interchange import FileUnreadable, export_version, import_definition
from workflows.services.versions import entry_of

YAML = ("application/yaml", "application/x-yaml", "text/yaml")

_MOST_DIGITS = 9


class BadVersionNumber(Invalid):
    code = "bad_version_number"
    message = "This is not the number of a version."


class NodeReportOut(Shape):
    """`outcome` is carried, approximated or left_out; `became` are the ids of the new nodes."""

    id: str
    type: str
    title: str
    became: list[str]
    notes: list[str]
    outcome: str


class ReportOut(Shape):
    """`notes` are of the whole: what is different or missing beside its nodes."""

    source: str
    notes: list[str]
    nodes: list[NodeReportOut]


class ImportedOut(Shape):
    """The new workflow, and what became of each node of the file."""

    definition: DefinitionWhole
    report: ReportOut


class NoFile(UnsupportedMediaType):
    message = (
        "Send a file as the body, with the header Content-Type: application/json, or "
        "application/yaml where it is YAML."
    )


class DefinitionExport(GenericAPIView[WorkflowDefinition]):
    """One version as a file, by default the newest."""

    @strict_query(
        "definitions_export_retrieve", [OpenApiParameter("number", int)], OpenApiTypes.OBJECT
    )
    def get(self, request: Request, pk: str) -> HttpResponse:
        user = user_of(request)
        definition = definition_for(user, pk)
        entry = entry_of(definition, _number(request.query_params.get("number", "")))
        stem = re.sub(r"[^A-Za-z0-9]+", "-", definition.name).strip("-").lower() or "workflow"
        return HttpResponse(
            orjson.dumps(export_version(entry, by=user), option=orjson.OPT_INDENT_2) + b"\n",
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{stem}.chatter.json"'},
        )


class _Unparsed(BaseParser):
    """Leaves the body to the view: of a session, the CSRF check looks for a form in it first."""

    media_type = "*/*"

    def parse(self, *_: object, **__: object) -> dict[str, object]:
        return {}


class DefinitionImport(GenericAPIView[WorkflowDefinition]):
    """A new workflow from a file of Chatter, Dify (YAML or JSON) or Langflow."""

    parser_classes = (_Unparsed,)

    @extend_schema(
        request={"application/json": OpenApiTypes.OBJECT, "application/yaml": OpenApiTypes.STR},
        responses={201: ImportedOut},
    )
    def post(self, request: Request) -> Response:
        made, imported = import_definition(_value(request), owner=user_of(request))
        shown = ImportedOut(
            definition=whole_definition(made), report=ReportOut.model_validate(imported.report())
        )
        return Response(shown.to_json(), status=status.HTTP_201_CREATED)


def _number(text: str) -> int | None:
    """Raises BadVersionNumber."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise BadVersionNumber
    return int(text)


def _value(request: HttpRequest) -> object:
    """What the body says. Raises MalformedBody, FileUnreadable, NoFile."""
    kind = (request.content_type or "").split(";")[0]
    try:
        if kind in YAML:
            return kept(from_yaml(request.body.decode()))
        if kind == "application/json":
            return kept(orjson.loads(request.body))
    except orjson.JSONDecodeError as error:
        raise MalformedBody(reason=str(error)) from error
    except (Unreadable, ValueError) as error:
        raise FileUnreadable(reason=str(error)) from error
    raise NoFile
