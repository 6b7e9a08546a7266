"""Promise 4: logs are gapless, say what the rows say, and can be taken up at any event."""

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.models import Message
from tests.drills.mortal import events_of, take_up
from tests.laws.histories import Town, histories, undone
from tests.laws.test_totals import lawful
from workflows.models import WorkflowExecution
from workflows.progress import apply, empty, text_of

ENDS = {"execution.completed", "execution.failed", "execution.cancelled"}


@pytest.mark.usefixtures("built_in")
@given(histories)
@lawful
def test_logs_are_gapless_and_end_once(history: list[tuple[Any, ...]]) -> None:
    with undone():
        town = Town()
        for step in [*history, ("run",)]:
            town.act(step)
            for execution in WorkflowExecution.objects.all():
                types = [event["type"] for event in events_of(execution)]
                ends = [kind for kind in types if kind in ENDS]
                assert ends == ([f"execution.{execution.status}"] if execution.over else [])
                assert types[0] == "execution.created"
                assert not ends or types[-1] in ENDS


@pytest.mark.usefixtures("built_in")
@given(histories)
@lawful
def test_a_snapshot_and_the_events_after_it_make_a_fresh_snapshot(
    history: list[tuple[Any, ...]],
) -> None:
    with undone():
        town = Town()
        for step in history:
            town.act(step)
        take_up()
        for execution in WorkflowExecution.objects.all():
            events = events_of(execution)
            fresh = reduce(apply, events, empty())
            for k in range(len(events) + 1):
                known = reduce(apply, events[:k], empty())
                assert reduce(apply, events[k:], known) == fresh
                assert reduce(apply, events[max(0, k - 2) :], known) == fresh  # told twice
            assert fresh["status"] == execution.status
            reply = Message.objects.filter(execution=execution, role="assistant").first()
            if reply is not None and not any("pruned" in event for event in events):
                assert text_of(fresh) == reply.text


@given(st.lists(st.lists(st.text(min_size=1, max_size=5), max_size=5), min_size=1, max_size=3))
def test_the_pieces_of_the_last_attempt_make_the_text(attempts: list[list[str]]) -> None:
    """However a text is cut into pieces; what an earlier attempt said is forgotten."""
    call = {"node": "model", "visit": 1, "call": 1}
    events: list[dict[str, Any]] = []
    for number, pieces in enumerate(attempts, start=1):
        begun = {**call, "attempt": number, "purpose": "answer"}
        events.append({"type": "model.started", "data": begun})
        for at, piece in enumerate(pieces):
            told = {**call, "attempt": number, "offset": len("".join(pieces[:at])), "text": piece}
            events.append({"type": "text.delta", "data": told})
    numbered = [{**event, "seq": seq} for seq, event in enumerate(events, start=1)]
    assert text_of(reduce(apply, numbered, empty())) == "".join(attempts[-1])
