"""Approvals in the back office: looked at, and decided as on their page."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.authentication import user_of
from core.errors import ChatterError
from core.long_lists import LongList, Made
from workflows.answering import answer_context, decide_as_sent
from workflows.models import Approval
from workflows.services.approvals import ApprovalNotFound, approval_for, decide

_CHANGE, _DECIDE = "admin:workflows_approval_change", "admin:workflows_approval_decide"


@admin.register(Approval)
class ApprovalAdmin(LongList, admin.ModelAdmin):
    """One by one with an answer and a comment; many at once where no form is to be filled in."""

    change_form_template = "workflows/admin/approval.html"
    list_display = ("question", "status", "node", "execution", "deadline_at", "decided_by")
    list_filter = ("status", ("created_at", Made))
    search_fields = ("execution", "id")
    search_texts = ("question", "node")
    search_help_text = "A part of a question, or the id of an execution or of the approval"
    list_select_related = ("execution", "decided_by")
    actions: tuple[str, ...] = ("approve", "reject")

    @admin.action(description="Approve the selected approvals", permissions=["act"])
    def approve(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, approve=True)

    @admin.action(description="Reject the selected approvals", permissions=["act"])
    def reject(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, approve=False)

    def _decide(self, request: HttpRequest, queryset: Any, *, approve: bool) -> None:
        decided = 0
        for approval in queryset:
            try:
                decide(approval, by=user_of(request), approve=approve)
                decided += 1
            except ChatterError as error:
                self.message_user(request, f"{approval}: {error}", messages.WARNING)
        self.message_user(request, f"Decided {decided} approvals.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With the form, for who may decide while there is something to decide."""
        found = self.get_object(request, unquote(object_id))
        if found and self.has_act_permission(request) and _is_pending(found):
            extra_context = {**(extra_context or {}), **_form(found)}
        return super().change_view(request, object_id, form_url, extra_context)

    def get_urls(self) -> list[URLPattern]:
        decide_view = self.admin_site.admin_view(self.decide_view)
        name = _DECIDE.removeprefix("admin:")
        return [path("<path:object_id>/decide/", decide_view, name=name), *super().get_urls()]

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the form sends; it is shown again with what is wrong."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect(_CHANGE, object_id)
        user, sent = user_of(request), request.POST.dict()
        try:
            approval = approval_for(user, unquote(object_id))
            decided = decide_as_sent(approval, sent, by=user)
        except ApprovalNotFound as error:
            raise Http404 from error
        except ChatterError as error:
            context = {
                **self.admin_site.each_context(request),
                **{"title": "Decide", "opts": self.opts, "original": approval, "problem": error},
                **_form(approval, sent, error),
            }
            template = "workflows/admin/decide.html"
            return TemplateResponse(request, template, context, status=error.status)
        self.message_user(request, f"It is {decided.status}.", messages.SUCCESS)
        return redirect(_CHANGE, decided.pk)


def _is_pending(approval: Approval) -> bool:
    return bool(Approval.objects.pending().filter(pk=approval.pk).exists())


def _form(approval: Approval, *sent: Any) -> dict[str, Any]:
    return {"item": answer_context(approval, *sent), "action": reverse(_DECIDE, args=[approval.pk])}
