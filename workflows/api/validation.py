"""Is this graph sound? Told of any JSON document; nothing is written, and nothing runs."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import user_of
from core.shapes import Shape
from workflows.validation import errors_in, validate_text


class IssueOut(Shape):
    """`code` is stable; `severity` is error or warning; `path` leads into the document."""

    code: str
    severity: str
    path: str
    message: str
    hint: str


class ValidationOut(Shape):
    """`valid`: there is no error, so it can be saved and run."""

    valid: bool
    issues: list[IssueOut]


class Validate(APIView):
    """Reports everything that is wrong with a graph, and where. Any body is accepted: one that is
    not JSON has one issue, `malformed_body`.
    """

    @extend_schema("workflows_validate", request=OpenApiTypes.ANY, responses={200: ValidationOut})
    def post(self, request: Request) -> Response:
        issues = validate_text(request.body, user_of(request))
        shown = [IssueOut(**issue.to_json()) for issue in issues]
        return Response(ValidationOut(valid=not errors_in(issues), issues=shown).to_json())
