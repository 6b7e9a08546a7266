"""Promise 6: no attempted move leaves the table, and what is over stays as it is."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import User
from tests.drills.mortal import events_of, leases_run_out
from tests.laws.histories import undone
from tests.laws.test_totals import lawful
from workflows.engine.result import ExecutionResult
from workflows.models import MOVES, ExecutionEvent, ExecutionStatus, WorkflowExecution
from workflows.services.executions import ExecutionAlreadyOver, request_cancel
from workflows.tracking.leases import claim, renew
from workflows.tracking.past import past_of
from workflows.tracking.tracker import WorkflowTracker
from workflows.tracking.writer import GroupCommitWriter, LeaseLost

ENDS: dict[str, tuple[Any, ...]] = {
    "complete": (ExecutionResult("done", {}, None),),
    "fail": ("code", "message"),
    "cancel": (),
    "hand_back": (),
    "pause": (),
}
attempts = st.lists(
    st.one_of(
        st.just(("claim",)),
        st.just(("expire",)),
        st.just(("renew",)),
        st.just(("request_cancel",)),
        st.tuples(st.sampled_from(sorted(ENDS)), st.integers(0, 3)),
    ),
    min_size=2,
    max_size=12,
)


@pytest.mark.usefixtures("built_in")
@given(attempts)
@lawful
def test_no_attempt_leaves_the_table(moves: list[tuple[Any, ...]]) -> None:
    with undone():
        actor = _Actor()
        before = actor.row()
        for move in moves:
            actor.attempt(*move)
            after = actor.row()
            one, other = (ExecutionStatus(row["status"]) for row in (before, after))
            assert one == other or other in MOVES[one], move
            if not MOVES[one]:
                assert after == before, move
            assert (other == "running") <= (after["lease_expires_at"] is not None)
            events_of(after["id"])
            before = after


class _Actor:
    """Owners past and present, all of whom believe that the run is theirs."""

    def __init__(self) -> None:
        self.user = User.objects.create_user("mover")
        self.pk = _started(self.user)
        self.owners: list[WorkflowExecution] = []

    def row(self) -> dict[str, Any]:
        last = ExecutionEvent.objects.filter(execution=self.pk).order_by("seq").last()
        row = WorkflowExecution.objects.filter(pk=self.pk).values().get()
        return {**row, "last_event": last.seq if last else 0}

    def attempt(self, move: str, owner: int = 0) -> None:
        if move == "claim":
            self.owners += claim(f"owner {len(self.owners)}", 1)
        elif move == "expire":
            leases_run_out()
        elif move == "renew":
            renew("owner 0", {self.pk: 1})
        elif move == "request_cancel":
            try:
                request_cancel(self.pk, by=self.user)
            except ExecutionAlreadyOver:
                assert WorkflowExecution.objects.get(pk=self.pk).over
        elif self.owners:
            self._end(move, self.owners[owner % len(self.owners)])

    def _end(self, how: str, owner: WorkflowExecution) -> None:
        current = WorkflowExecution.objects.get(pk=self.pk)
        stale = (current.status, current.attempt) != ("running", owner.attempt)

        async def scenario() -> bool:
            past = await sync_to_async(past_of)(owner.pk)
            tracker = WorkflowTracker(owner, GroupCommitWriter(), past)
            try:
                await getattr(tracker, how)(*ENDS[how])
            except LeaseLost:
                return False
            return True

        assert async_to_sync(scenario)() is not stale


def _started(user: User) -> Any:
    client = APIClient()
    client.force_login(user)
    told = client.post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"]).pk
