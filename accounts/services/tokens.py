"""Tokens of the API: made, shown once, revoked."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts.changes import tell_changed
from accounts.known_users import known_users
from accounts.models import ApiToken, User
from accounts.tokens import TokenText, new_token_text, token_text_of
from audit.record import record
from core import clock


@transaction.atomic
def create_token(
    *, user: User, name: str, by: Any, expires_at: datetime | None = None, once: str = ""
) -> tuple[ApiToken, str]:
    """A new token and its text, which nobody can read again.

    With the same `once` as one that was made before, that one: its text follows from `once` and the
    secret key of the installation.
    """
    text = _text_of(user, once) if once else new_token_text()
    named = {"user": user, "name": name, "prefix": text.prefix, "expires_at": expires_at}
    token, made = ApiToken.objects.get_or_create(digest=text.digest, defaults=named)
    if made:
        record("accounts.token.created", actor=by, target=token, detail=_detail(token))
    return token, text.plain


def _text_of(user: User, once: str) -> TokenText:
    sealed = salted_hmac("accounts.token", f"{user.pk} {once}", algorithm="sha512")
    return token_text_of(sealed.digest())


@transaction.atomic
def revoke_token(*, token: ApiToken, by: Any) -> ApiToken:
    """From now on the token opens nothing; revoking it again changes nothing."""
    now = clock.now()
    won = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now)
    token.refresh_from_db()
    if won:
        known_users.forget_all()
        tell_changed(token.user_id)
        record("accounts.token.revoked", actor=by, target=token, detail=_detail(token))
    return token


def _detail(token: ApiToken) -> dict[str, str]:
    told = {"user": str(token.user_id), "prefix": token.prefix}
    return told | ({"expires_at": token.expires_at.isoformat()} if token.expires_at else {})
