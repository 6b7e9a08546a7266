"""The account pages: log in, log out, one's password, one's tokens."""

from typing import Any

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import LoginForm, OwnPasswordForm, TokenForm
from accounts.models import ApiToken
from accounts.services.sessions import log_in, log_out
from accounts.services.tokens import create_token, revoke_token
from core.api import headers_for
from core.errors import ChatterError, problem
from core.pagination import shown_page


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_page(request: HttpRequest) -> HttpResponse:
    """Passes `form`, `problem` (an error's body or None) and `next` to the template."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(_next_address(request))
        return _login_form(request, LoginForm())
    form = LoginForm(request.POST)
    if not form.is_valid():
        return _login_form(request, form, status=400)
    try:
        log_in(request, **form.cleaned_data)
    except ChatterError as error:
        return _login_form(request, form, error, status=error.status)
    return HttpResponseRedirect(_next_address(request))


@require_POST
def logout_page(request: HttpRequest) -> HttpResponse:
    log_out(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password_page(request: HttpRequest) -> HttpResponse:
    """Passes `form` and whether it `changed`. All other sessions end with a change; tokens stay."""
    owner: Any = request.user
    form = OwnPasswordForm(owner, request.POST or None)
    changed = form.is_valid()
    if changed:
        update_session_auth_hash(request, form.save())
        form = OwnPasswordForm(owner)
    shown = {"form": form, "changed": changed}
    return render(request, "accounts/password.html", shown, status=400 if form.errors else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens_page(request: HttpRequest) -> HttpResponse:
    """A POST with `revoke` (an id) revokes, another makes a token.

    Passes a page of `tokens`, newest first, the addresses of the `next` and the `previous` page,
    `form` and, right after one was made, its text as `new_token`: in the answer to the POST itself,
    not behind a redirect, since it is kept nowhere.
    """
    if "revoke" in request.POST:
        return _revoke(request, request.POST["revoke"])
    form = TokenForm(request.POST or None)
    new_token = ""
    if form.is_valid():
        owner: Any = request.user
        asked = {"name": form.cleaned_data["name"], "expires_at": form.expires_at()}
        token, text = create_token(user=owner, by=owner, once=form.once(), **asked)
        new_token = text if token.state == "active" else ""
        form = TokenForm()
    page, ways = shown_page(ApiToken.objects.visible_to(request.user), request)
    shown = {"tokens": page, **ways, "form": form, "new_token": new_token}
    return render(request, "accounts/tokens.html", shown, status=400 if form.errors else 200)


def _revoke(request: HttpRequest, key: str) -> HttpResponse:
    try:
        token = ApiToken.objects.visible_to(request.user).get(pk=key)
    except (ApiToken.DoesNotExist, ValidationError) as error:
        raise Http404 from error
    revoke_token(token=token, by=request.user)
    return redirect("tokens")


def _login_form(
    request: HttpRequest, form: LoginForm, error: ChatterError | None = None, status: int = 200
) -> HttpResponse:
    told = problem(error, getattr(request, "request_id", "")) if error else None
    shown = {"form": form, "problem": told, "next": _asked_for(request)}
    page = render(request, "accounts/login.html", shown, status=status)
    for name, value in (headers_for(error) if error else {}).items():
        page.headers[name] = value
    return page


def _asked_for(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next") or ""


def _next_address(request: HttpRequest) -> str:
    """Where the visitor was going, if that is one of our pages."""
    asked_for = _asked_for(request)
    ours = url_has_allowed_host_and_scheme(
        asked_for, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked_for if ours else resolve_url(settings.LOGIN_REDIRECT_URL)
