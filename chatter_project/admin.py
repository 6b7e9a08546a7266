"""The admin site."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth.views import PasswordChangeView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.views.decorators.http import require_POST

from accounts.forms import OwnPasswordForm
from accounts.services.sessions import log_out
from core.back_office import AskedSensibly, ReadOnlyAdmin


class ChatterAdminSite(AdminSite):
    """Its doors are those of the pages, with their throttle and their audit."""

    site_title = site_header = "Chatter"
    index_title = "Back office"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """The tables of the queue are only to be looked at: a row there names code that is run."""
        bases: tuple[Any, ...] = AskedSensibly, admin_class or ModelAdmin
        own = {}
        if getattr(model_or_iterable, "__module__", "").startswith("django_q."):
            bases, own = (ReadOnlyAdmin, *bases), {"actions": None}
        admin_class = type(bases[-1].__name__, bases, own)
        super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """No row says where else it has a page, so there is no way there."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return _Choices.as_view(admin_site=self)(request)

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied  # a login page would only send them back here
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict | None = None) -> Any:
        return require_POST(_logged_out)(request)

    def password_change(self, request: HttpRequest, extra_context: dict | None = None) -> Any:
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)


class _Choices(AutocompleteJsonView):
    """What may be chosen for a field; for what is no field of a form, nothing."""

    def process_request(self, request: HttpRequest) -> Any:
        found = super().process_request(request)
        if found[2].auto_created:  # the other end of a relation
            raise PermissionDenied
        return found


def _logged_out(request: HttpRequest) -> HttpResponse:
    log_out(request)
    return redirect("login")
