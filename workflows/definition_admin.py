"""Workflows in the back office: made, changed, published, copied, run and taken from files."""

from functools import partial
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.authentication import user_of
from accounts.models import User
from audit.context import current
from core.errors import ChatterError
from core.form_fields import once_of
from core.models import new_id
from workflows.back_office import (
    executions_html,
    forecast_html,
    history_html,
    issues_html,
    picture_html,
)
from workflows.definition_forms import DefinitionForm, ImportForm, RunForm, VersionForm
from workflows.engine.request import ExecutionRequest
from workflows.forms import refused
from workflows.models import DefinitionVersion, WorkflowDefinition
from workflows.services.definitions import (
    change_definition,
    create_definition,
    fork_definition,
)
from workflows.services.executions import start_execution
from workflows.services.interchange import import_definition
from workflows.services.planning import plan_execution
from workflows.services.versions import VersionNotFound, entry_of, publish_version, restore_version

F = TypeVar("F", bound=forms.Form)
_PAGE = "admin:workflows_workflowdefinition_change"
_ABOUT = ("name", "description", "limits")


@admin.register(WorkflowDefinition)
class DefinitionAdmin(admin.ModelAdmin):
    """Goes through the services of the API, which check, number versions and audit."""

    form = DefinitionForm
    change_form_template = "workflows/admin/definition.html"
    change_list_template = "workflows/admin/definitions.html"
    list_display = ("name", "owner", "latest", "published", "archived", "updated_at")
    list_filter = ("archived",)
    search_fields = ("name", "description", "owner__username")
    list_select_related = ("owner",)
    actions = ("archive", "unarchive")
    readonly_fields = (
        *("owner", "latest", "published", "revision"),
        *("picture", "issues", "versions", "executions"),
    )

    class Media:
        css = {"all": ["css/graph.css"]}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": (*_ABOUT, "graph", "key")}),)
        may = self.has_change_permission(request, obj)
        return (
            ("Graph", {"fields": ("picture", "issues", *(("graph",) if may else ()))}),
            ("History", {"fields": (("latest", "published", "revision"), "versions")}),
            ("Executions", {"fields": ("executions",)}),
            ("About", {"fields": (*_ABOUT, "archived", "owner")}),
        )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"by": request.user})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: WorkflowDefinition, form: Any, change: bool
    ) -> None:
        if change:
            change_definition(obj, by=user_of(request), **form.changes)
            return
        given = {name: form.cleaned_data[name] for name in (*_ABOUT, "graph")}
        once = once_of(form.cleaned_data["key"], given)
        obj.pk = create_definition(owner=user_of(request), once=once, **given).pk

    @admin.action(description="Archive the selected workflows", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: Any) -> None:
        self._set(request, queryset, archived=True)

    @admin.action(description="Take them out of the archive", permissions=["change"])
    def unarchive(self, request: HttpRequest, queryset: Any) -> None:
        self._set(request, queryset, archived=False)

    def _set(self, request: HttpRequest, queryset: Any, *, archived: bool) -> None:
        for definition in queryset:
            change_definition(definition, by=user_of(request), archived=archived)
        where = "in" if archived else "out of"
        told = f"{len(queryset)} workflows are {where} the archive."
        self.message_user(request, told, messages.SUCCESS)

    @admin.display(description="newest graph")
    def picture(self, obj: WorkflowDefinition) -> str:
        return picture_html(entry_of(obj).version.graph)

    @admin.display(description="issues")
    def issues(self, obj: WorkflowDefinition) -> str:
        return issues_html(entry_of(obj))

    @admin.display(description="versions")
    def versions(self, obj: WorkflowDefinition) -> str:
        return history_html(obj)

    @admin.display(description="newest")
    def executions(self, obj: WorkflowDefinition) -> str:
        return executions_html(obj)

    # --- pages of acts -----------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        site, name = self.admin_site.admin_view, "workflows_workflowdefinition_{}".format
        version = "<path:object_id>/versions/<int:number>/"
        own = [
            path("import/", site(self.import_view), name=name("import")),
            path("<path:object_id>/run/", site(self.run_view), name=name("run")),
            path(version, site(self.version_view), name=name("version")),
        ]
        return own + super().get_urls()

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A new workflow of one's own, and what became of each node of the file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form, shown = _form(request, ImportForm), {}
        if form.is_valid():
            try:
                file, once = form.cleaned_data["file"], form.once()
                made, read = import_definition(file, owner=user_of(request), once=once)
                shown = {"made": made, "report": read.report()}
            except ChatterError as error:
                form.add_error(None, refused(error))
                shown = {"report": error.detail.get("report")}
        return self._page(request, "import", "Import a workflow", form, **shown)

    def run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Start the published version, as a run of one's own; or only tell what it may cost."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        definition, form = self._found(request, object_id), _form(request, RunForm)
        user = user_of(request)
        if form.is_valid() and "forecast" not in request.POST:
            try:
                once = form.once(request.path)
                return redirect("execution", _start(user, definition, form.given | once))
            except ChatterError as error:
                form.add_error(None, refused(error))
        given = form.cleaned_data.get("parameters", {}) if form.is_bound else {}
        shown = {"original": definition, "forecast": forecast_html(user, definition, given)}
        return self._page(request, "run", f"Run {definition}", form, **shown)

    def version_view(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        """One version: looked at, published, restored, or the beginning of another workflow."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        definition, form = self._found(request, object_id), _form(request, VersionForm)
        try:
            entry = entry_of(definition, number)
        except VersionNotFound as error:
            raise Http404 from error
        if form.is_valid():
            return self._act(request, entry, form)
        picture, issues = picture_html(entry.version.graph), issues_html(entry)
        shown = {"original": definition, "entry": entry, "picture": picture, "issues": issues}
        may = {"may_add": self.has_add_permission(request)}
        return self._page(request, "version", f"Version {number} of {definition}", form,
                          **shown, **may)  # fmt: skip

    def _act(
        self, request: HttpRequest, entry: DefinitionVersion, form: VersionForm
    ) -> HttpResponse:
        """Raises PermissionDenied. A refusal is told on the page of the version, which says why."""
        user, act = user_of(request), form.cleaned_data["act"]
        fork = act == "fork"
        if not (self.has_add_permission if fork else self.has_change_permission)(request):
            raise PermissionDenied
        try:
            if fork:
                name, once = form.cleaned_data["name"], form.once(request.path)
                changed = fork_definition(entry, by=user, name=name, once=once)
            else:
                changed = {"publish": publish_version, "restore": restore_version}[act](
                    entry, by=user
                )
        except ChatterError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(request.path)
        self.message_user(request, _DONE[act].format(number=entry.number), messages.SUCCESS)
        return redirect(_PAGE, changed.pk)

    def _found(self, request: HttpRequest, object_id: str) -> WorkflowDefinition:
        """Raises Http404."""
        found: WorkflowDefinition | None = self.get_object(request, unquote(object_id))
        if found is None:
            raise Http404
        return found

    def _page(
        self, request: HttpRequest, name: str, title: str, form: Any, **shown: Any
    ) -> TemplateResponse:
        seen = [field.name for field in form.visible_fields()]
        fields = AdminForm(form, [(None, {"fields": seen})], {}, model_admin=self)
        context = {
            **self.admin_site.each_context(request),
            **{"title": title, "opts": self.opts, "form": form, "adminform": fields},
            **{"may_change": self.has_change_permission(request), **shown},
        }
        return TemplateResponse(request, f"workflows/admin/{name}.html", context)


_DONE = {
    "publish": "Version {number} runs from now on.",
    "restore": "Version {number} is the newest again; it runs once it is published.",
    "fork": "This is a workflow of your own, begun with version {number}.",
}


def _form(request: HttpRequest, kind: type[F]) -> F:
    return kind(request.POST, request.FILES) if request.method == "POST" else kind()


def _start(user: User, definition: WorkflowDefinition, given: dict[str, Any]) -> Any:
    """The id of a new run. Raises what `plan_execution` and `start_execution` do."""
    asked = ExecutionRequest(
        id=new_id(),
        user_id=user.pk,
        request_id=current().request_id,
        definition=definition.pk,
        cause="admin",
        **given,
    )
    return async_to_sync(start_execution)(partial(plan_execution, user, asked)).execution.pk
