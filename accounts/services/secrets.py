"""Secrets of users: kept, replaced, deleted, and handed out for the one host they are for."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Secret, User
from audit.record import AuditDetail, record
from core import clock
from core.errors import ChatterError, Conflict, Invalid, NotFound
from core.secret_texts import NAME, plain_host

MOST_HOSTS = 20
_MOST_CHARACTERS = 8_000
_SHORTEST = 4  # what is shorter would be masked wherever it stands in an answer by chance
_ID_LENGTH = 36  # names are shorter
_USE_NOTED_EVERY = timedelta(minutes=1)
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class SecretNotFound(NotFound):
    code = "secret_not_found"
    message = "There is no such secret, or it is not yours."


class SecretExists(Conflict):
    code = "secret_exists"
    message = "You have a secret of the name '{name}' already."


class BadSecret(Invalid):
    code = "bad_secret"
    message = "{reason}"


class UnknownSecret(Invalid):
    code = "unknown_secret"
    message = "There is no secret '{name}' of the one this runs for."


class SecretNotForHost(ChatterError):
    code = "secret_not_for_host"
    status = 403
    message = "The secret '{name}' is not for '{host}'."


def checked_name(name: str) -> str:
    """Raises BadSecret."""
    if not re.fullmatch(NAME, name):
        raise BadSecret(
            reason="A name begins with a letter; letters, digits, '_' and '-' follow, 32 in all."
        )
    return name


def checked_value(value: str) -> str:
    """What a header can hold. Raises BadSecret, which does not repeat it."""
    if not _PRINTABLE.fullmatch(value) or not _SHORTEST <= len(value) <= _MOST_CHARACTERS:
        raise BadSecret(
            reason=f"A secret has {_SHORTEST} to {_MOST_CHARACTERS:,} characters of ASCII, "
            "without line breaks, and no space at either end."
        )
    return value


def checked_hosts(hosts: Sequence[str]) -> list[str]:
    """As they are compared, each once. Raises BadSecret."""
    try:
        plain = list(dict.fromkeys(map(plain_host, hosts)))
    except ValueError as error:
        raise BadSecret(reason=str(error)) from error
    if not 1 <= len(plain) <= MOST_HOSTS:
        raise BadSecret(reason=f"Name the hosts it may be sent to, 1 to {MOST_HOSTS}.")
    return plain


def secret_for(user: User, key: str) -> Secret:
    """One's own secret of this name or id. Raises SecretNotFound."""
    try:
        called = Q(pk=UUID(key)) if len(key) == _ID_LENGTH else Q(name=key)
        found: Secret = Secret.objects.visible_to(user).get(called)
    except (Secret.DoesNotExist, ValueError) as error:
        raise SecretNotFound from error
    return found


@transaction.atomic
def create_secret(
    *, owner: User, name: str, value: str, hosts: Sequence[str], by: User | None = None
) -> Secret:
    """Keep a secret. Raises BadSecret, SecretExists."""
    checked_name(name)
    made = Secret(owner=owner, name=name, value=checked_value(value), hosts=checked_hosts(hosts))
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError as error:
        raise SecretExists(name=name) from error
    record("accounts.secret.created", actor=by or owner, target=made, **_audit_detail(made))
    return made


@transaction.atomic
def replace_secret(secret: Secret, *, value: str, hosts: Sequence[str], by: User) -> Secret:
    """Another value and other hosts, only both at once: who does not know a secret cannot have it
    sent elsewhere. Raises BadSecret, and NotFound if somebody else has deleted it.
    """
    _lock(secret)
    secret.value, secret.hosts = checked_value(value), checked_hosts(hosts)
    secret.save(update_fields=["value", "hosts", "updated_at"])
    record("accounts.secret.replaced", actor=by, target=secret, **_audit_detail(secret))
    return secret


@transaction.atomic
def delete_secret(secret: Secret, *, by: User) -> None:
    """From now on what names it does not run. Raises NotFound if somebody else has deleted it."""
    _lock(secret)
    record("accounts.secret.deleted", actor=by, target=secret, **_audit_detail(secret))
    secret.delete()


def _lock(secret: Secret) -> None:
    if Secret.objects.select_for_update().filter(pk=secret.pk).first() is None:
        raise NotFound


@transaction.atomic
def values_for_host(user_id: UUID | None, names: Collection[str], host: str) -> Mapping[str, str]:
    """The values of one's secrets, to be sent to this host at once and kept nowhere.

    Raises UnknownSecret, SecretNotForHost.
    """
    found = {one.name: one for one in Secret.objects.filter(owner_id=user_id, name__in=names)}
    for name in names:
        if name not in found:
            raise UnknownSecret(name=name)
        if host not in found[name].hosts:
            raise SecretNotForHost(name=name, host=host)
    _note_use(found.values())
    return {name: one.value for name, one in found.items()}


def _note_use(secrets: Collection[Secret]) -> None:
    """To the minute: a loop of calls must not write a row for each."""
    now = clock.now()
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _USE_NOTED_EVERY)
    Secret.objects.filter(stale, pk__in=[one.pk for one in secrets]).update(last_used_at=now)


def _audit_detail(secret: Secret) -> AuditDetail:
    """What the audit trail says of it."""
    return {
        "detail": {"owner": str(secret.owner_id)},
        "personal": {"name": secret.name, "hosts": secret.hosts},
    }
