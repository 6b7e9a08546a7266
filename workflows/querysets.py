"""Every read of workflows for a user starts at `visible_to`."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, Now, RowNumber

from core import clock
from core.inline_value import InlineValue

if TYPE_CHECKING:
    from accounts.models import User


_UNDER_WAY = [InlineValue(status) for status in ("pending", "running", "waiting")]
_BEGUN = ("running", "waiting")  # one of a series at a time
_NEVER_GIVEN = 10  # leases: one that long was given while the clock was ahead


class DefinitionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "DefinitionQuerySet":
        return self if user.is_staff else self.filter(owner=user)

    def for_list(self) -> "DefinitionQuerySet":
        return self.select_related("owner", "version")


class DefinitionVersionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "DefinitionVersionQuerySet":
        return self if user.is_staff else self.filter(definition__owner=user)

    def for_list(self) -> "DefinitionVersionQuerySet":
        return self.select_related("definition", "version", "saved_by")


class TemplateQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "TemplateQuerySet":
        """Built-in, public, and one's own."""
        if user.is_staff:
            return self
        return self.filter(Q(owner=None) | Q(public=True) | Q(owner=user))

    def called(self, name: str, user: "User") -> "TemplateQuerySet":
        """By id, or by the slug of a built-in one or of one's own, in this order.

        A name that has the shape of an id is one. The slugs of others name nothing: whoever takes
        one is not to be run in its place.
        """
        try:
            return self.filter(pk=UUID(name))
        except ValueError:
            found = self.filter(Q(owner=None) | Q(owner=user), slug=name)
            return found.order_by(F("owner").asc(nulls_first=True))

    def for_list(self) -> "TemplateQuerySet":
        return self.select_related("owner", "version")


class VersionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "VersionQuerySet":
        return self if user.is_staff else self.filter(executions__user=user).distinct()


class ExecutionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ExecutionQuerySet":
        return self if user.is_staff else self.filter(user=user)

    def for_list(self) -> "ExecutionQuerySet":
        return self.select_related("template", "definition").prefetch_related(self._pending())

    def with_workflow(self, reader: "User") -> "ExecutionQuerySet":
        """`workflow`: what people call the template or definition that it is of, if they see it."""

        def name(of: str) -> Subquery:
            named = self.model._meta.get_field(of).related_model._default_manager
            return Subquery(named.visible_to(reader).filter(pk=OuterRef(of)).values("name"))

        return self.annotate(workflow=Coalesce(name("definition"), name("template")))

    def _pending(self) -> Prefetch:
        """The approvals it waits for, as `pending_approvals`."""
        approvals = self.model._meta.get_field("approvals").related_model._default_manager
        return Prefetch("approvals", approvals.pending().order_by("id"), "pending_approvals")

    def under_way(self) -> "ExecutionQuerySet":
        """Found by an index, however many have ended."""
        return self.filter(status__in=_UNDER_WAY)

    def in_series(self, serial_key: str) -> "ExecutionQuerySet":
        """Found by an index, which has none without a key: SQLite takes it only if that is said."""
        return self.exclude(serial_key="").filter(serial_key=serial_key)

    def claimable(self) -> "ExecutionQuerySet":
        """Without an owner: new, left by one whose lease ran out, or woken; oldest first."""
        woken = Q(status="waiting", wakes_at__lte=clock.now())
        return (
            self.under_way()
            .filter(Q(status="pending") | self.late() | woken)
            .filter(self.in_front())
            .order_by("id")
        )

    def late(self) -> Q:
        """Those that run, and whose owner was not heard of in time; see `tracking.leases`.

        One that lives may give longer leases: it was started with another CHATTER_LEASE_S.
        """
        over = Q(lease_expires_at__lt=Now())
        hosts: PumpHostQuerySet = self.model._meta.apps.get_model("workflows", "PumpHost").objects
        ahead = Q(lease_expires_at__gt=Now() + leases(_NEVER_GIVEN))
        ahead &= ~Q(lease_owner__in=hosts.alive().values("owner"))
        return Q(over | ahead, status="running")

    def in_front(self) -> Q:
        """Those that no other of their series holds up: one of it runs or waits, the others behind.

        A turn may be answered again while a later one runs, and by two at once.
        """
        begun = Q(status__in=_BEGUN)
        earlier = Q(serial_number__lt=OuterRef("serial_number"))
        as_early = Q(serial_number=OuterRef("serial_number"), pk__lt=OuterRef("pk"))
        others = self.model._base_manager.filter(
            ~Q(serial_key=""),  # as the index says; without it each looks through all under way
            begun | earlier | as_early,
            serial_key=OuterRef("serial_key"),
            status__in=_UNDER_WAY,
        )
        return Q(serial_key="") | begun | ~Q(Exists(others))

    def in_turn(self, after: UUID | None = None) -> "ExecutionQuerySet":
        """Those claimable, one of each user, then the second of each, and so on.

        Users follow one another as in a ring, beginning behind `after`, whose turn was last.
        """
        behind = Q(user_id__gt=after) if after is not None else Q(pk__isnull=False)
        return (
            self.claimable()
            .annotate(
                turn=Window(RowNumber(), partition_by=F("user_id"), order_by="id"),
                lap=Case(When(behind, then=Value(0)), default=Value(1)),
            )
            .order_by("turn", "lap", "user_id")
        )


def leases(count: int) -> timedelta:
    """The time of so many."""
    return timedelta(seconds=count * settings.CHATTER_LEASE_S)


class PumpHostQuerySet(models.QuerySet[Any]):
    def in_the_past(self) -> "PumpHostQuerySet":
        """Without those that died while the clock of the database was ahead."""
        return self.filter(beat_at__lte=Now() + leases(1))

    def alive(self) -> "PumpHostQuerySet":
        """Those that said so within the time of a lease."""
        return self.in_the_past().filter(beat_at__gte=Now() - leases(1))

    def claiming(self) -> "PumpHostQuerySet":
        return self.alive().filter(claiming=True)


class ApprovalQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "ApprovalQuerySet":
        """Of one's own runs, and those one may decide."""
        if user.is_staff:
            return self
        own = self.model._default_manager.filter(execution__user=user)
        return self.filter(pk__in=own.order_by().values("pk").union(*self._naming(user)))

    def put_to(self, user: "User") -> "ApprovalQuerySet":
        """Those that name this user, or a group they are in now."""
        return self.filter(pk__in=models.QuerySet.union(*self._naming(user)))

    def pending(self) -> "ApprovalQuerySet":
        """Those that can still be decided."""
        in_time = Q(deadline_at=None) | Q(deadline_at__gt=clock.now())
        return self.filter(in_time, status="pending")

    def for_list(self) -> "ApprovalQuerySet":
        return self.select_related("decided_by")

    def _naming(self, user: "User") -> tuple[models.QuerySet[Any], models.QuerySet[Any]]:
        """Found apart and put together: of an OR, every approval there is would be asked."""
        users = self.model.users.through._default_manager.filter(user=user)
        groups = self.model.groups.through._default_manager.filter(group__user=user)
        return users.values("approval"), groups.values("approval")


class EventQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: "User") -> "EventQuerySet":
        return self if user.is_staff else self.filter(execution__user=user)

    def after(self, execution_id: Any, seq: int) -> "EventQuerySet":
        """The rows that hold any event of this execution numbered above `seq`, in order."""
        return self.filter(execution_id=execution_id, seq__gt=seq).order_by("seq")
