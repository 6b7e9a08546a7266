"""Which variant answers a turn; what is asked by the hot path, and so knows without a query.

Each process reads the running experiments at most once a second, when a turn begins; an experiment
that is started, paused or stopped in another process is seen that much later, in this one at once.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self
from uuid import UUID, uuid5

from accounts.models import User
from conversations.services.routing import Routed
from core import clock
from core.bulk import insert_rows
from core.models import writes_id
from experiments.dealing import dealt, takes_part
from experiments.models import Audience, Changes, Experiment, Exposure, Unit, UnitKind, Variant
from workflows.engine.request import ExecutionRequest
from workflows.models import WorkflowTemplate
from workflows.services.targets import UNIVERSAL_CHAT
from workflows.tracking.facts import Fact

_KEPT_S = 1.0


@dataclass(slots=True)
class UnitExposed(Fact):
    """A turn of a unit is answered by a variant."""

    rank: ClassVar[int] = 26
    unit: Unit
    variant_id: UUID
    execution_id: UUID
    diverted: bool

    @classmethod
    def write(cls, facts: Sequence[Self]) -> None:
        """Of an experiment that is gone, nothing: the turn is answered all the same."""
        ids = {fact.unit.experiment_id for fact in facts}
        there = set(Experiment.objects.filter(pk__in=ids).values_list("pk", flat=True))
        kept = [fact for fact in facts if fact.unit.experiment_id in there]
        units = {fact.unit.id: fact.unit for fact in kept}
        Unit.objects.bulk_create([units[pk] for pk in sorted(units)], ignore_conflicts=True)
        insert_rows(Exposure, [fact._row() for fact in kept])

    def _row(self) -> dict[str, Any]:
        return {
            "created_at": self.unit.created_at,
            "experiment_id": self.unit.experiment_id,
            "unit_id": self.unit.id,
            "variant_id": self.variant_id,
            "execution_id": self.execution_id,
            "diverted": self.diverted,
        }


@dataclass(frozen=True, slots=True)
class Live:
    """A running experiment, as turns are held against it.

    `sets` are the parameters that any of its variants sets: who names one of them in a turn has
    chosen it, and takes no part.
    """

    experiment: Experiment
    variants: Sequence[Variant]
    names: frozenset[str]
    sets: frozenset[str]
    users: frozenset[UUID] = field(default_factory=frozenset)
    groups: frozenset[int] = field(default_factory=frozenset)

    def takes(self, user: User, request: ExecutionRequest) -> bool:
        """Whether this turn is one that it is about."""
        if request.graph is not None or not self.sets.isdisjoint(request.parameters):
            return False
        experiment = self.experiment
        asked = request.definition == experiment.definition_id and (
            request.definition is not None or self._names(user, request.template)
        )
        return asked and self._concerns(user)

    def _names(self, user: User, template: str) -> bool:
        """A slug names a built-in template, or one's own."""
        about = self.experiment.template
        if about is None:
            return False
        by_slug = template in self.names and about.owner_id in (None, user.id)
        return by_slug or writes_id(template, about.id)

    def _concerns(self, user: User) -> bool:
        audience = self.experiment.audience
        if audience == Audience.EVERYONE:
            return True
        if audience == Audience.OWN:
            return user.id == self.experiment.owner_id
        if user.id in self.users:
            return True
        return bool(self.groups) and user.groups.filter(pk__in=self.groups).exists()


_known: tuple[float, Sequence[Live]] = (0.0, ())


def route_turn(user: User, request: ExecutionRequest) -> Routed | None:
    """The turn as its variant has it answered, with its exposure; None: as it was asked.

    A turn takes part in one experiment at most: the one that began first.
    """
    for live in running():
        if live.takes(user, request):
            key = _key(live.experiment, user, request)
            if takes_part(live.experiment.salt, key, live.experiment.traffic_percent):
                return _routed(live, user, key, request)
    return None


def running() -> Sequence[Live]:
    """The experiments under way, up to a second old."""
    global _known  # noqa: PLW0603 - one look-up for the whole process
    until, found = _known
    if until < time.monotonic():
        found = [_live(one) for one in Experiment.objects.reaching().for_list()]
        _known = (time.monotonic() + _KEPT_S, found)
    return found


def forget_running() -> None:
    """Look again: an experiment has changed."""
    global _known  # noqa: PLW0603
    _known = (0.0, ())


def _live(experiment: Experiment) -> Live:
    variants = list(experiment.variants.all())
    template = experiment.template
    return Live(
        experiment=experiment,
        variants=variants,
        names=_names_of(template) if template else frozenset(),
        sets=frozenset(name for one in variants for name in one.parameters),
        users=frozenset(one.id for one in experiment.users.all()),
        groups=frozenset(one.id for one in experiment.groups.all()),
    )


def _names_of(template: WorkflowTemplate) -> frozenset[str]:
    """A turn that names nothing is a plain chat."""
    plain = [""] if template.built_in and template.slug == UNIVERSAL_CHAT else []
    return frozenset([template.slug, *plain])


def _key(experiment: Experiment, user: User, request: ExecutionRequest) -> str:
    return f"user:{user.id}" if experiment.unit == UnitKind.USER else request.serial_key


def _routed(live: Live, user: User, key: str, request: ExecutionRequest) -> Routed | None:
    experiment = live.experiment
    mine = live.variants[dealt(experiment.salt, key, [one.weight for one in live.variants])]
    control = next(one for one in live.variants if one.control)
    answers = control if mine.stopped_at else mine
    if answers.changes == Changes.TEMPLATE and answers.template_id is None:
        return None  # it was deleted
    unit = Unit(
        id=unit_id(experiment.id, key),
        created_at=clock.now(),
        experiment_id=experiment.id,
        variant_id=mine.id,
        key=key,
        user_id=user.id,
    )
    diverted = mine.stopped_at is not None
    exposed = UnitExposed(unit, answers.id, request.id, diverted)
    return Routed(_asked(answers, request), [exposed])


def unit_id(experiment: UUID, key: str) -> UUID:
    return uuid5(experiment, key)


def _asked(variant: Variant, request: ExecutionRequest) -> ExecutionRequest:
    template = request.template
    if variant.changes == Changes.TEMPLATE:
        template = str(variant.template_id)
    parameters = {**variant.parameters, **request.parameters}
    return replace(
        request,
        template=template,
        version=variant.version_id,
        declared=variant.declared,
        parameters=parameters,
    )
