"""Chains of a user: made, changed and deleted; a ring of them is refused."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import AuditDetail, label, record
from core.errors import ChatterError, Conflict, NotFound
from core.json_values import same
from triggers.mapping import check_mapping
from triggers.models import Chain
from triggers.services.targets import found_target, locked_owner, planned, refuse_more
from workflows.services.revisions import locked_row, save_row

_THEN = ("definition", "template")
_AFTER = ("after_definition", "after_template")
_START = {*_THEN, "parameters"}

_WORDS = ("name", "input", "condition", "parameters")  # where people write what they like


class ChainNotFound(NotFound):
    code = "chain_not_found"
    message = "There is no such chain, or it is not yours."


class ChainChanged(ChatterError):
    """Somebody else saved first."""

    code = "chain_changed"
    status = 412
    message = "The chain is at revision {revision} by now; load it and change that."


class ChainLoop(Conflict):
    """`through` names what would run in turn."""

    code = "chain_loop"
    message = "This would run for ever: {through}."


def chain_for(user: User, pk: UUID | str) -> Chain:
    """One chain this user may see. Raises ChainNotFound."""
    try:
        found: Chain = Chain.objects.visible_to(user).for_list().get(pk=pk)
    except (Chain.DoesNotExist, ValidationError, ValueError) as error:
        raise ChainNotFound from error
    return found


@transaction.atomic
def create_chain(*, owner: User, by: User | None = None, **fields: Any) -> Chain:
    """A new chain; what follows is checked as a start by its owner is.

    Raises BadMapping, OneTarget, ChainLoop, TooManyTriggers, and what `plan_execution` raises.
    """
    refuse_more(locked_owner(owner), Chain.objects)
    chain = Chain(owner=owner, **_resolved(owner, {**dict.fromkeys([*_THEN, *_AFTER]), **fields}))
    _check(chain)
    _check_start(chain)
    chain.save()
    record("triggers.chain.created", actor=by or owner, target=chain, **_audit_detail(chain))
    return chain


@transaction.atomic
def change_chain(chain: Chain, *, by: User, revision: int | None = None, **fields: Any) -> Chain:
    """Set what is given; nothing is written where nothing differs.

    Raises ChainChanged if it is no longer at `revision`, and what `create_chain` raises.
    """
    locked_owner(chain.owner)  # or two changes make a ring that neither sees
    chain = _locked(chain, revision)
    fields = _resolved(chain.owner, fields)
    changed = sorted(name for name in fields if not same(getattr(chain, name), fields[name]))
    before = {name: getattr(chain, name) for name in changed}
    for name in changed:
        setattr(chain, name, fields[name])
    if changed:
        _check(chain)
        if _START & set(changed):
            _check_start(chain)
        save_row(chain)
        after = {name: fields[name] for name in changed}
        told = changes_for_audit(before, after, personal=_WORDS, runs=label(chain.target))
        record("triggers.chain.changed", actor=by, target=chain, **told)
    return chain


@transaction.atomic
def delete_chain(chain: Chain, *, by: User, revision: int | None = None) -> None:
    """Delete it with its history; what it started stays. Raises ChainChanged."""
    chain = _locked(chain, revision)
    record("triggers.chain.deleted", actor=by, target=chain, **_audit_detail(chain))
    chain.delete()


def _locked(chain: Chain, revision: int | None = None) -> Chain:
    found: Chain = locked_row(
        Chain.objects.for_list(), chain.pk, revision, missing=ChainNotFound(), changed=ChainChanged
    )
    return found


def _resolved(owner: User, fields: Mapping[str, Any]) -> dict[str, Any]:
    """With what they name found; who names one of a pair means not the other."""
    found = dict(fields)
    for pair in (_THEN, _AFTER):
        if set(pair) & fields.keys():
            named = [fields.get(name) for name in pair]
            found |= dict(zip(pair, found_target(owner, *named), strict=True))
    return found


def _check(chain: Chain) -> None:
    """Raises BadMapping, ChainLoop."""
    check_mapping(chain.condition, chain.input)
    others = Chain.objects.filter(owner=chain.owner).exclude(pk=chain.pk).for_list()
    after: dict[Any, list[Any]] = {}
    for one in (chain, *others):
        after.setdefault(one.after_definition or one.after_template, []).append(one.target)
    first = chain.after_definition or chain.after_template
    ring = next(_ways(after, chain.target, first), None)
    if ring is not None:
        raise ChainLoop(through=" → ".join(str(one) for one in [first, *ring]))


def _ways(after: Mapping[Any, list[Any]], start: Any, goal: Any) -> Iterator[list[Any]]:
    """A way from the one to the other, if there is one; each place is passed once."""
    waiting, seen = [[start]], {start}
    while waiting:
        way = waiting.pop()
        if way[-1] == goal:
            yield way
            return
        for one in after.get(way[-1], ()):
            if one is not None and one not in seen:
                seen.add(one)
                waiting.append([*way, one])


def _check_start(chain: Chain) -> None:
    planned(chain.owner, chain, {}, request_id="", cause="chain")


def _audit_detail(chain: Chain) -> AuditDetail:
    """What the audit trail says of it; what it hands on is told nowhere."""
    first, then = chain.after_definition or chain.after_template, chain.target
    detail = {
        "on": chain.on,
        "paused": chain.paused,
        "after": label(first),
        "runs": label(then),
    }
    return {"detail": detail, "personal": {"name": chain.name}}
