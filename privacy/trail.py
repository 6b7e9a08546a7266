"""A person's entries in the audit trail: exported, and blanked where they may be."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q

from accounts.models import User
from audit.models import AuditEntry
from audit.record import label
from privacy.table import pages
from privacy.tables import TABLES

_TOLD = ("seq", "at", "action", "outcome", "actor_id", "target", "detail", "request_id")
_MADE = r"\.(created|forked|imported|made_from_template)$"
_OWNERS = {"owner", "user"}


def trail_lines(user: User) -> Iterator[bytes]:
    """Entries of what the user did, and of what was done to the user's account, oldest first.

    What is personal in the acts of others is theirs, so it is told of the user's own only.
    """
    for keys in pages(AuditEntry.objects.filter(Q(actor_id=user.pk) | Q(target=label(user)))):
        for entry in AuditEntry.objects.filter(pk__in=keys).order_by("pk"):
            told = {name: getattr(entry, name) for name in _TOLD}
            if entry.actor_id == user.pk:
                told["personal"] = entry.personal_content
            yield orjson.dumps(told, default=str, option=orjson.OPT_APPEND_NEWLINE)


def names_of(user: User) -> set[str]:
    """The user's name and e-mail address, and those before, as far as the trail tells."""
    said = AuditEntry.objects.filter(personal__isnull=False)
    changes = said.filter(target=label(user), action="accounts.user.changed")
    told = [entry.personal_content for entry in changes.iterator()]
    before = {one[name]["from"] for one in told for name in {"username", "email"} & one.keys()}
    return {name for name in {user.get_username(), user.email, *before} if name}


def blank_trail(user: User, names: Iterable[str]) -> int:
    """Blank what is personal in entries about the user or what the user owns; returns how many.

    To be called while the rows are still there. The chain holds the salted hash of what goes, so it
    verifies as before.
    """
    said = AuditEntry.objects.filter(personal__isnull=False)
    about = Q(actor_id=user.pk) | Q(target=label(user)) | _named(user, names)
    count = said.filter(about).update(personal=None)
    for model, keys in _belongings(user):
        targets = [f"{model._meta.label_lower}:{pk}" for pk in keys]
        count += said.filter(target__in=targets).update(personal=None)
    return count


def blank_back_office_log(user: User) -> None:
    """Django's own log of the back office shows the names of what was changed."""
    entries: Any = apps.get_model("admin", "LogEntry")._base_manager
    for model, keys in _belongings(user):
        kind = ContentType.objects.get_for_model(model)
        of_these = entries.filter(content_type=kind, object_id__in=[str(pk) for pk in keys])
        of_these.update(object_repr="", change_message="")


def _named(user: User, names: Iterable[str]) -> Q:
    """Entries with the user's name; and with any of `names`, in any case, where nobody's account
    was aimed at.

    Patterns, for without them SQLite knows the case of ASCII's letters alone.
    """
    words = map(re.escape, names)
    meant = Q(target="", personal__content__username__iregex=f"^({'|'.join(words)})$")
    named = Q(personal__content__username=user.get_username()) | meant
    if user.email:
        named |= Q(personal__content__email__iregex=f"^{re.escape(user.email)}$")
    return named


def _belongings(user: User) -> Iterator[tuple[type[Model], list[Any]]]:
    """The primary keys of all that is the user's, and of what was, as far as the trail knows."""
    for table in TABLES:
        for keys in pages(table.rows(user)):
            yield table.type, keys
    given = {f"detail__values__{one}__to": str(user.pk) for one in _OWNERS}  # by staff
    theirs = Q(Q(actor_id=user.pk), *given.items(), _connector=Q.OR)
    for made in pages(AuditEntry.objects.filter(theirs, action__regex=_MADE)):
        yield from _gone(AuditEntry.objects.filter(pk__in=made).values_list("target", flat=True))


def _gone(targets: Iterable[str]) -> Iterator[tuple[type[Model], list[Any]]]:
    """Those that can be owned, and were deleted: by whom does not matter."""
    owned = {one.type._meta.label_lower: one.type for one in TABLES if {*one.of} & _OWNERS}
    made: defaultdict[str, list[str]] = defaultdict(list)
    for target in targets:
        name, _, key = target.partition(":")
        made[name].append(key)
    for name in owned.keys() & made.keys():
        rows = owned[name]._base_manager.filter(pk__in=made[name])
        there = {str(pk) for pk in rows.values_list("pk", flat=True)}
        yield owned[name], [key for key in made[name] if key not in there]
