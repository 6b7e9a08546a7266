"""How entries are read: by whom, by their numbers, and those that still wait for one."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any, Self
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Length

_HASH = 64  # letters of one, and there is one between two
_AT_ONCE = 1000
_HELD = (Length("hashes") + 1) / (_HASH + 1)


class AuditEntryQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Staff read all of it, nobody else any."""
        return self if user.is_active and user.is_staff else self.none()

    def for_list(self) -> Self:
        """With `actor_name`, NULL for an actor who is gone."""
        users = get_user_model()
        name = users._base_manager.filter(pk=OuterRef("actor_id")).values(users.USERNAME_FIELD)
        return self.annotate(actor_name=Subquery(name))

    def in_order(self, first: int = 1, last: int | None = None) -> Self:
        """Those that are sealed, by their numbers; of these numbers alone."""
        begun = Q(group__seq__isnull=False)
        if first > 1:  # an index knows the numbers of groups alone
            groups = self.model.objects.filter(group__seq__lte=first).order_by("-group__seq")
            group = groups.values_list("group__seq", flat=True).first()
            begun = Q(group__seq__gte=group or first, seq__gte=first)
        ended = Q() if last is None else Q(group__seq__lte=last, seq__lte=last)
        return self.filter(begun, ended).order_by("group__seq", "position")


class AuditEntryManager(models.Manager.from_queryset(AuditEntryQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> AuditEntryQuerySet:
        """With `seq` and `seal`: NULL and empty for an entry that is not sealed yet."""
        entries: AuditEntryQuerySet = super().get_queryset()
        return entries.annotate(
            seq=F("group__seq") + F("position"), seal=Coalesce(F("group__seal"), Value(""))
        )


class UnsealedGroupQuerySet(models.QuerySet[Any]):
    def entry_count(self) -> int:
        """How many entries these groups hold."""
        count: int = self.aggregate(count=Sum(_HELD, default=0))["count"]
        return count

    def with_entries(self) -> Iterator[tuple[UUID, str, list[tuple[int, str]]]]:
        """Each with its hashes, and with position and hash of the entries that are there."""
        entries = apps.get_model("audit.AuditEntry")._base_manager.order_by("position")
        groups = self.values_list("pk", "hashes").iterator(_AT_ONCE)
        while part := list(islice(groups, _AT_ONCE)):
            there: defaultdict[Any, list[tuple[int, str]]] = defaultdict(list)
            found = entries.filter(group_id__in=[pk for pk, _ in part])
            for pk, position, hashed in found.values_list("group_id", "position", "hash"):
                there[pk].append((position, hashed))
            for pk, hashes in part:
                yield pk, hashes, there[pk]
