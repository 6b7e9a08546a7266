"""The compliance report, for staff."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import user_of
from core.shapes import Shape
from security.compliance.report import compliance_report


class CheckOut(Shape):
    """One check: pass, warn, fail or not_checked, its evidence, and when."""

    key: str
    title: str
    status: str
    said: str
    evidence: dict[str, Any]
    checked_at: str


class ComplianceOut(Shape):
    """All checks, run on request."""

    made_at: str
    thorough: bool
    counts: dict[str, int]
    checks: list[CheckOut]


class ComplianceReport(APIView):
    permission_classes = [IsAdminUser]

    @extend_schema(operation_id="compliance_report", responses=ComplianceOut)
    def get(self, request: Request) -> Response:
        """What looks at the whole database is left to `manage.py compliance_report`."""
        return Response(compliance_report(by=user_of(request), via="api"))
