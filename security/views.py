"""The compliance report as a page."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.authentication import user_of
from security.compliance.report import compliance_report
from security.compliance.showing import TEMPLATE, on_page


@never_cache
@login_required
@require_safe
def compliance_page(request: HttpRequest) -> HttpResponse:
    """For staff: all checks, made while one waits."""
    user = user_of(request)
    if not user.is_staff:
        raise PermissionDenied
    report = compliance_report(by=user, via="page")
    return render(request, TEMPLATE, on_page(report))
