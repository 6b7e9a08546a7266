"""A number kept on a parent: declared once, kept in the transaction of the row it counts.

Rows written in groups add their sums by `add_group`; rows changed elsewhere (admin, cascade, shell)
reach the same numbers through `post_save` and `when_deleted`. `recount` proves them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.signals import post_delete, post_save, pre_delete

from core.bulk import add_to_rows
from core.locks import snapshot

_PARENTS = "parents_of_deleted"  # noted on what is deleted, until they are locked
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A kept number that is not what its rows add up to."""

    number: str
    parent: Any
    kept: int
    counted: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`into` on the parent = the count of `model` rows (or the sum of `of`) that match `only`.

    `only` holds equalities, `unless` those that no row may match. A NULL in `of` adds nothing.
    """

    into: str
    of: str = ""
    only: tuple[tuple[str, Any], ...] = ()
    unless: tuple[tuple[str, Any], ...] = ()

    def worth(self, row: Mapping[str, Any]) -> int:
        """What this row adds."""
        if any(row[name] != value for name, value in self.only):
            return 0
        if any(row[name] == value for name, value in self.unless):
            return 0
        return (row[self.of] or 0) if self.of else 1


class AggregateGroup:
    """All numbers that rows of one model keep on one parent model; one UPDATE keeps them.

    `model` and `parent_model` are "app.Model". `parent` is the attname on `model` that holds the
    parent's primary key, or a text of `prefix` and that key. `counted_once` names a column that is
    NULL until the row counts, and never changes after.
    """

    def __init__(  # noqa: PLR0913 - a declaration reads best on one level
        self,
        *aggregates: Aggregate,
        model: str,
        parent_model: str,
        parent: str,
        prefix: str = "",
        counted_once: str = "",
    ) -> None:
        self.aggregates = aggregates
        self.counted_once = counted_once
        self._model, self._parent_model = model, parent_model
        self._parent, self._prefix = parent, prefix

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self._model)

    @property
    def parent_model(self) -> type[models.Model]:
        return apps.get_model(self._parent_model)

    def add_group(self, rows: Iterable[Mapping[str, Any]], sign: int = 1) -> None:
        """Add what these rows are worth to their parents, in the caller's transaction."""
        sums: dict[Any, list[int]] = defaultdict(lambda: [0] * len(self.aggregates))
        for row in rows:
            parent = self._parent_key(row[self._parent])
            if parent is None or (self.counted_once and row[self.counted_once] is None):
                continue
            numbers = sums[parent]
            for at, aggregate in enumerate(self.aggregates):
                numbers[at] += sign * aggregate.worth(row)
        key = self.parent_model._meta.pk.attname
        names = [aggregate.into for aggregate in self.aggregates]
        changed = [
            {key: parent, **dict(zip(names, numbers, strict=True))}
            for parent, numbers in sums.items()
            if any(numbers)
        ]
        add_to_rows(self.parent_model, changed)

    def connect(self) -> None:
        """Keep the numbers for rows that are saved or deleted one by one."""
        label = f"{self._model}->{self._parent_model}"
        post_save.connect(self._saved, sender=self.model, dispatch_uid=f"kept {label}")
        when_deleted(self.model, partial(self.add_group, sign=-1), dispatch_uid=f"unkept {label}")
        pre_delete.connect(self._note_parent, sender=self.model, dispatch_uid=f"parent {label}")

    def _saved(self, instance: models.Model, created: bool, raw: bool = False, **_: Any) -> None:
        if created and not raw:
            self.add_group([vars(instance)])

    def _note_parent(self, instance: models.Model, origin: Any, **_: Any) -> None:
        """Have the parent locked with all others whose numbers this deletion changes."""
        if (parent := self._parent_key(vars(instance)[self._parent])) is not None:
            noted = vars(origin).setdefault(_PARENTS, defaultdict(set))
            noted[self.parent_model].add(parent)

    def differences(self) -> list[Difference]:
        """Recount everything from the rows, as of one instant."""
        with snapshot():
            return list(self._differences())

    def _differences(self) -> Iterator[Difference]:
        """One pass over the parents, some at a time: there may be millions."""
        names = [aggregate.into for aggregate in self.aggregates]
        kept = self.parent_model._base_manager.order_by().values("pk", *names)
        parents = kept.iterator(chunk_size=_AT_ONCE)
        while some := list(islice(parents, _AT_ONCE)):
            counted = self._counted([parent["pk"] for parent in some])
            for parent in some:
                numbers = counted.get(parent["pk"], {})
                for name in names:
                    if parent[name] != (found := numbers.get(name) or 0):
                        number = f"{self._parent_model}.{name}"
                        yield Difference(number, parent["pk"], parent[name], found)

    def _parent_key(self, value: Any) -> Any:
        if not self._prefix or value is None:
            return value
        return UUID(value.removeprefix(self._prefix)) if value.startswith(self._prefix) else None

    def _counted(self, parents: Iterable[Any]) -> dict[Any, Mapping[str, int]]:
        """What the rows of these parents add up to, by parent; of one without rows, nothing."""
        named = [f"{self._prefix}{parent}" if self._prefix else parent for parent in parents]
        rows: QuerySet[Any] = self.model._base_manager.filter(**{f"{self._parent}__in": named})
        if self.counted_once:
            rows = rows.exclude(**{f"{self.counted_once}__isnull": True})
        sums = {
            aggregate.into + "__counted": _expression(aggregate) for aggregate in self.aggregates
        }
        return {
            self._parent_key(row["parent_key"]): {
                name.removesuffix("__counted"): row[name] for name in sums
            }
            for row in rows.order_by().values(parent_key=F(self._parent)).annotate(**sums)
        }


def _expression(aggregate: Aggregate) -> models.Aggregate:
    only = Q(*aggregate.only, *(~Q(one) for one in aggregate.unless)) or None
    return Sum(aggregate.of, filter=only) if aggregate.of else Count("pk", filter=only)


def when_deleted(
    model: type[models.Model],
    tell: Callable[[list[Mapping[str, Any]]], None],
    *,
    dispatch_uid: str,
) -> None:
    """Have each row that is deleted told of, as it is then: a list of it.

    Of one that somebody else has deleted meanwhile the list is empty: Django tells of it all the
    same, and of the row as it was when it was read.
    """

    def told(instance: Any, origin: Any, **_: Any) -> None:
        _lock_parents(origin)
        tell([vars(instance)] if instance.was_there else [])

    pre_delete.connect(_read_anew, model)
    post_delete.connect(told, model, weak=False, dispatch_uid=dispatch_uid)


def _read_anew(sender: type[models.Model], instance: Any, **_: Any) -> None:
    """Read the row that is to be deleted as it is now, and lock it: once, whoever is told of it."""
    rows = sender._base_manager.select_for_update().filter(pk=instance.pk)
    now = rows.order_by("pk").values().first()  # to order by a parent would lock that, too
    instance.was_there = now is not None
    for name, value in (now or {}).items():
        setattr(instance, name, value)


def _lock_parents(origin: Any) -> None:
    """Lock them in key order, as the writer does, before the first is changed: once a deletion.

    Rows are told of in an order of their own, and two who lock in different orders wait for each
    other. Django tells of all rows before it deletes the first; `origin` is what was deleted.
    """
    for parent_model, parents in vars(origin).pop(_PARENTS, {}).items():
        keys = sorted(parents) if len(parents) > 1 else []
        for at in range(0, len(keys), _AT_ONCE):
            rows = parent_model._base_manager.select_for_update().order_by("pk")
            list(rows.filter(pk__in=keys[at : at + _AT_ONCE]).values_list("pk"))


GROUPS: list[AggregateGroup] = []
PROOFS: list[Callable[[], Iterator[Difference]]] = []


def declare(*aggregates: Aggregate, **where: str) -> AggregateGroup:
    """Declare what rows of one model keep on one parent model; found again by `reconcile`."""
    group = AggregateGroup(*aggregates, **where)
    GROUPS.append(group)
    return group


def proof(differences: Callable[[], Iterator[Difference]]) -> Callable[[], Iterator[Difference]]:
    """Declare a check of numbers that are not sums of rows; `reconcile` makes it too.

    Others write meanwhile: what it compares, it reads as of one instant.
    """
    PROOFS.append(differences)
    return differences


def all_differences() -> Iterator[Difference]:
    """Every declared number that is not what its rows say."""
    for group in GROUPS:
        yield from group.differences()
    for differences in PROOFS:
        yield from differences()
