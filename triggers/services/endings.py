"""Which chains follow an execution: noted in the transaction that ends it, so none is lost."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Max, Q

from core.bulk import any_row, insert_rows
from triggers.models import Chain, ChainFiring
from workflows.models import Rerun, WorkflowExecution
from workflows.tracking.ending import ExecutionEnded

_OF_SOURCE = ("id", "user_id", "definition_id", "template_id", "chance")
_OF_CHAIN = ("id", "owner_id", "on", "after_definition_id", "after_template_id")


def note_endings(ended: Sequence[ExecutionEnded]) -> Mapping[UUID, dict[str, Any]]:
    """Note what follows executions that end now. A replay repeats what was, so nothing does.

    The last event of the execution does not tell of it.
    """
    news = {one.execution_id: one for one in ended if one.rerun != Rerun.REPLAY}
    users = {one.user_id for one in news.values()}
    if not any_row(Chain, "owner", users):
        return {}
    chains = _chains_of(users)
    whose = {chain["owner_id"] for chain in chains}
    ids = [one.execution_id for one in news.values() if one.user_id in whose]
    rows = [
        {"chain_id": chain["id"], "source_id": source["id"], "depth": _depth(source)}
        for source in _sources(ids)
        for chain in chains
        if _follows(chain, source, news[source["id"]])
    ]
    insert_rows(ChainFiring, rows)
    return {}


def _chains_of(users: set[UUID]) -> list[dict[str, Any]]:
    return list(Chain.objects.filter(owner__in=users, paused=False).order_by().values(*_OF_CHAIN))


def _sources(ids: Sequence[UUID]) -> Sequence[Mapping[str, Any]]:
    rows = WorkflowExecution.objects.filter(pk__in=ids).order_by()
    return [dict(row) for row in rows.values(*_OF_SOURCE)]


def _follows(chain: Mapping[str, Any], source: Mapping[str, Any], ended: ExecutionEnded) -> bool:
    wanted = chain["after_definition_id"], chain["after_template_id"]
    ran = source["definition_id"], source["template_id"]
    same = any(one is not None and one == other for one, other in zip(wanted, ran, strict=True))
    return same and chain["owner_id"] == source["user_id"] and str(ended.status) in chain["on"]


def _depth(source: Mapping[str, Any]) -> int:
    """One more than that of what started the source, or what it runs again, be it again and again.

    All that was run again of one execution has its id for their `chance`.
    """
    started = Q(execution=source["id"])
    if source["chance"]:
        started |= Q(execution=source["chance"])
    before = ChainFiring.objects.filter(started).aggregate(depth=Max("depth"))["depth"]
    return (before or 0) + 1
