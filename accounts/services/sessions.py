"""Logging in and out: throttled, audited, the same answer for every wrong guess."""

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest

from accounts import throttling
from accounts.changes import tell_changed
from accounts.models import User
from accounts.services.lockouts import last_lockout, lock_out, was_lifted
from accounts.throttling import Refusal, TooManyAttempts
from audit.context import current
from audit.models import Outcome
from audit.record import label, record
from core.errors import NotAuthenticated


class WrongCredentials(NotAuthenticated):
    code = "wrong_credentials"
    message = "This username and password do not belong together."


def check_credentials(*, username: str, password: str, via: str) -> User:
    """The user of these credentials. Not to be called in a transaction: refusals must stay.

    Raises TooManyAttempts, or WrongCredentials for an unknown, inactive or mistaken user alike;
    Django's backend runs the hasher for an unknown one too, so that time does not tell either.
    """
    username = User.normalize_username(username)
    refusal = throttling.count_attempt(username, current().address)
    lockout = last_lockout(refusal) if refusal else None
    if refusal and lockout and was_lifted(lockout, refusal):
        refusal = throttling.count_attempt(username, current().address)
    if refusal:
        if lockout is None or lockout.lifted_at:
            _lock_out(username, via, refusal)
        raise TooManyAttempts(retry_after_s=refusal.wait_s)
    user = authenticate(username=username, password=password)
    if user is None:
        _record_refusal(username, via, Outcome.FAILURE, WrongCredentials.code)
        raise WrongCredentials
    throttling.forgive(username)
    return user


def log_in(request: HttpRequest, username: str, password: str) -> User:
    """Open a session for the pages; raises what `check_credentials` raises."""
    user = check_credentials(username=username, password=password, via="page")
    with transaction.atomic():
        login(request, user)
        record(
            "accounts.session.opened",
            actor=user,
            target=user,
            detail={"via": "page"},
            personal={"username": user.get_username()},
        )
    return user


@transaction.atomic
def log_out(request: HttpRequest) -> None:
    """Close the session, if there is one."""
    user = request.user
    logout(request)
    if user.is_authenticated:
        record("accounts.session.closed", actor=user, target=user)
        tell_changed(user.pk)


@transaction.atomic
def _lock_out(username: str, via: str, refusal: Refusal) -> None:
    if lock_out(username, current().address, refusal):
        _record_refusal(username, via, Outcome.DENIED, TooManyAttempts.code)


@transaction.atomic
def _record_refusal(username: str, via: str, outcome: Outcome, reason: str) -> None:
    aimed_at = User.objects.filter(username=username).first()
    record(
        "accounts.session.refused",
        target=label(aimed_at),
        outcome=outcome,
        detail={"via": via, "reason": reason},
        personal={"username": username},
    )
