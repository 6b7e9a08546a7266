"""A response cache on request: the same question of the same user is answered from the ledger."""

from datetime import timedelta

import pytest

from core import clock
from llms.models import ModelCall, ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT
from tests.drills.mortal import events_of, take_up
from tests.workflows.reruns.conftest import ONCE, answered_by

CACHED = graph(asks(model=GPT, cache={"ttl_s": 60}))


def test_the_same_question_is_asked_once(ran, wire, asked):
    first, second = ran(CACHED, "hello"), ran(CACHED, "hello")
    assert asked() == ["hello"]
    assert second.output == first.output
    made, hit = ModelCall.objects.order_by("id")
    assert (hit.answered_by, hit.source_call_id) == ("cache", made.pk)
    assert (hit.cost_nano_usd, hit.total_tokens, hit.exactness) == (0, 0, "metered")
    assert second.cost_nano_usd == 0
    told = [e["data"] for e in events_of(second) if e["type"] == "model.finished"]
    assert [one["answered_by"] for one in told] == ["cache"]


@pytest.mark.parametrize(
    ("graph_of_second", "message"),
    [
        (CACHED, "another"),
        (graph(asks(model=GPT)), "hello"),
        (graph(asks(model=GPT, cache={"ttl_s": 60}, temperature=1)), "hello"),
        (graph(asks(model=GPT, cache={"ttl_s": 60}, system="Be brief.")), "hello"),
        (graph(asks(model=GPT, cache={"ttl_s": 60}, tools=["clock"], max_rounds=1)), "hello"),
        (graph(asks(model="wire:gpt-too", cache={"ttl_s": 60})), "hello"),
    ],
    ids=["question", "not wanted", "parameters", "instructions", "tools", "model"],
)
def test_any_other_question_is_asked(ran, wire, asked, graph_of_second, message):
    if "tools" in graph_of_second["nodes"][1]["config"]:
        graph_of_second = graph(
            graph_of_second["nodes"][1],
            {"id": "tools", "type": "tools"},
            edges=["start>model", "model.tool_calls>tools", "tools>model", "model>end"],
        )
    ran(CACHED, "hello")
    ran(graph_of_second, message)
    assert len(asked()) == 2


def test_nobody_is_answered_with_what_another_was_told(ran, wire, asked, charlie, api):
    ran(CACHED, "hello")
    body = {"graph": CACHED, "input": {"message": "hello"}, "mode": "background"}
    api(charlie).post(ONCE, body)
    take_up()
    assert asked() == ["hello", "hello"]


def test_an_old_answer_is_not_used(ran, wire, asked):
    ran(CACHED, "hello")
    long_ago = clock.now() - timedelta(seconds=61)
    ModelCall.objects.update(settled_at=long_ago)
    ran(CACHED, "hello")
    assert len(asked()) == 2


@pytest.mark.parametrize("flaw", ["fault=400", "words=5"], ids=["failed", "cut"])
def test_what_failed_or_was_cut_is_not_used(ran, wire, asked, flaw):
    once = {"ttl_s": 60}
    limited = graph(asks(model=GPT, cache=once, max_tokens=3, retry={"attempts": 1}))
    wire.script(flaw, next=1)
    ran(limited, "hello")
    ran(limited, "hello")
    assert len(asked()) == 2


def test_what_was_withheld_half_way_is_not_used(ran, wire, asked):
    wire.script("[[words=9]] [[fault=content_filter after=3]]", next=1)
    first, second = ran(CACHED, "hello"), ran(CACHED, "hello")
    assert asked() == ["hello", "hello"]
    assert len(first.output["text"]) < len(second.output["text"])


def test_what_did_not_fit_is_mended_once_for_all(ran, wire, asked):
    document = graph(asks(model=GPT, cache={"ttl_s": 60}, output_schema={"type": "object"}))
    _answers_by_schema()
    wire.script("say=nonsense", next=1)
    wire.script("say={}", next=1)
    first, second = ran(document), ran(document)
    assert len(asked()) == 2
    assert [one[-1] for one in answered_by(second)] == ["cache", "cache"]
    assert second.output == first.output


def test_what_did_not_fit_when_it_was_mended_is_mended_again(ran, wire, asked):
    document = graph(asks(model=GPT, cache={"ttl_s": 60}, output_schema={"type": "object"}))
    _answers_by_schema()
    wire.script("say=nonsense", next=2)
    wire.script("say={}", next=1)
    assert ran(document).error["code"] == "answer_does_not_fit"
    second = ran(document)
    assert second.status == "completed"
    assert [one[-1] for one in answered_by(second)] == ["cache", "provider"]


def test_a_hit_is_no_source_of_hits(ran, wire, asked):
    """Else an answer that is asked for often enough would never grow old."""
    ran(CACHED, "hello")
    ran(CACHED, "hello")
    ModelCall.objects.filter(answered_by="provider").update(
        settled_at=clock.now() - timedelta(seconds=61)
    )
    ran(CACHED, "hello")
    assert len(asked()) == 2


def test_a_replay_of_a_hit_is_answered_from_the_recording(ran, again, wire, asked):
    ran(CACHED, "hello")
    replay = again(ran(CACHED, "hello"), "replay")
    assert answered_by(replay) == [("model", 1, "succeeded", "recording")]
    assert asked() == ["hello"]


def test_what_is_left_of_a_limit_does_not_make_it_another_question(client, posted, wire, asked):
    two = graph(*(asks(node=n, model=GPT, max_tokens=500, cache={"ttl_s": 60}) for n in ("a", "b")))
    runs = []
    for most in (501, 1000, None):
        body = {"name": "x", "graph": two, "limits": {} if most is None else {"tokens": most}}
        made = client.post("/api/v1/definitions/", body).json()
        body = {"input": {"message": "hello"}}
        runs.append(posted(f"/api/v1/definitions/{made['id']}/execute/", body))
        take_up()
    told = [one[-1] for run in runs for one in answered_by(run)]
    assert told == ["provider"] * 2 + ["cache"] * 4
    assert len(asked()) == 2


def _answers_by_schema():
    ModelProfile.objects.update(capabilities=["structured_output"])
    forget_profiles()


UNFIT = [
    {"id": "h", "type": "error_handler", "config": {"retries": 1, "wait_s": 0, "then": "fail"}},
    ["start>model", "model>end", "model.error>h", "h>end"],
]


@pytest.mark.parametrize("handled", [False, True])
def test_another_try_is_not_answered_with_what_did_not_fit(ran, again, wire, asked, handled):
    """Neither the next visit by an error handler, nor a retry, nor the question to mend it."""
    _answers_by_schema()
    model = asks(model=GPT, cache={"ttl_s": 60}, output_schema={"type": "object"})
    handler, edges = UNFIT
    document = graph(model, handler, edges=edges) if handled else graph(model)
    wire.script("say=nonsense", next=4 if handled else 2)
    source = ran(document)
    assert source.error["code"] == "answer_does_not_fit"
    assert len(asked()) == (4 if handled else 2)
    wire.script("say=still nonsense", next=1)
    wire.script("say={}", next=1)
    retry = again(source, "retry")
    assert retry.status == "completed"
    assert {one[-1] for one in answered_by(retry)} == {"provider"}
