"""Limits of tokens, cost and tool calls: looked at before each call, whoever makes it."""

import pytest

from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import graph
from tests.drills.mortal import leases_run_out, live_and_die, logged, types_of
from tests.limits.runs import (
    calls_of,
    ended_by,
    finished,
    price_of_the_demo,
    reached,
    rounds,
    says,
    tokens_of,
)
from tools.models import ToolCall

# The demo counts a token a word, and three a message: this asks with 6 and is answered with 20.
ASKED, ANSWERED = 6, 20
EACH = ASKED + ANSWERED
SUM = 'use the tool calculator {"expression": "2 * 3"}'


def tools_in_rounds():
    model = {"id": "model", "type": "model", "config": {"tools": ["calculator"]}}
    again = {"id": "again", "type": "prompt", "config": {"template": SUM}}
    whole = rounds(50, again, model)
    whole["nodes"].append({"id": "tools", "type": "tools"})
    whole["edges"] += [
        {"source": "model", "source_port": "tool_calls", "target": "tools"},
        {"source": "tools", "target": "model"},
    ]
    return whole


def side_by_side(count, *, words=20):
    pairs = [says(words, f"model{at}") for at in range(count)]
    edges = [f"start>{text['id']}" for text, _ in pairs]
    edges += [f"{text['id']}>{model['id']}" for text, model in pairs]
    edges += [f"{model['id']}>end" for _, model in pairs]
    return graph(*(node for pair in pairs for node in pair), edges=edges)


@pytest.fixture
def known_answers(begin):
    """Nobody says of the demo how long its answers are; here somebody does."""

    def at_most(tokens):
        ModelProfile.objects.update(max_output_tokens=tokens, context_window=None)
        forget_profiles()

    return at_most


@pytest.mark.parametrize("died", [None, 1, 2])
def test_a_call_that_would_begin_at_the_limit_is_refused(begin, died):
    execution = begin(rounds(9, *says(ANSWERED)), tokens=2 * EACH)
    if died is not None:
        assert live_and_die(after_commits=died)
        leases_run_out()
    finished(execution)
    told = ended_by(execution, "tokens", "model")
    lost = [call for call in calls_of(execution) if call.status == "lost"]
    assert told["reached"] == tokens_of(execution) + sum(one.upper_bound_tokens for one in lost)
    if not lost:
        assert told["reached"] == told["most"] == 2 * EACH


def test_the_last_call_may_pass_the_limit_by_what_it_uses_and_no_other_does(begin, known_answers):
    known_answers(None)
    execution = finished(begin(rounds(9, *says(ANSWERED)), tokens=2 * EACH + 1))
    assert ended_by(execution, "tokens", "model")["reached"] == 3 * EACH
    assert [call.total_tokens for call in calls_of(execution)] == [EACH] * 3


def test_an_answer_is_no_longer_than_there_are_tokens_left(begin, known_answers):
    known_answers(100)
    execution = finished(begin(rounds(9, *says(ANSWERED)), tokens=EACH + 4))
    first, last = calls_of(execution)
    assert (first.output_tokens, last.output_tokens) == (ANSWERED, 4)
    assert "max_tokens" in last.parameters
    assert (last.parameters["max_tokens"], last.finish_reason) == (4, "length")
    ended_by(execution, "tokens", "model")


def test_branches_cannot_pass_a_limit_together(begin, known_answers):
    known_answers(ANSWERED)
    execution = finished(begin(side_by_side(5), tokens=2 * EACH))
    told = ended_by(execution, "tokens", execution.error["node"])
    assert told["reached"] < 2 * EACH + ASKED + ANSWERED
    assert len(calls_of(execution)) < 4


def test_branches_far_from_the_limit_do_not_wait_for_one_another(begin, known_answers):
    known_answers(ANSWERED)
    execution = finished(begin(side_by_side(4), tokens=100_000))
    assert execution.status == "completed"
    kinds = types_of(execution)
    assert kinds.index("model.finished") - kinds.index("model.started") >= 4


def test_what_a_dead_process_may_have_used_counts_as_used(begin, known_answers):
    """Nobody knows what the lost call used, so its bound is taken: unknown is not nothing."""
    known_answers(2_000)
    execution = begin(graph({"id": "model", "type": "model"}), "please hang", tokens=2_000)
    assert live_and_die(logged("model.started"))
    finished(execution)
    told = ended_by(execution, "tokens", "model")
    (lost,) = calls_of(execution)
    assert told["reached"] == lost.upper_bound_tokens > 2_000
    assert (lost.status, lost.total_tokens) == ("lost", None)


def test_money_is_counted_as_it_is_spent(begin):
    price_of_the_demo(1000)  # a tenth of a cent a token
    execution = finished(begin(rounds(9, *says(ANSWERED)), cost="0.05"))
    told = ended_by(execution, "cost", "model")
    assert (told["most"], told["reached"]) == ("0.05", "0.052")
    assert execution.cost_nano_usd == 52_000_000
    assert "$0.05" in execution.error["message"]


def test_a_model_without_a_price_is_not_asked_where_cost_is_limited(begin):
    ModelProfile.objects.filter(is_default=True).update(model="chatter-demo-2")
    forget_profiles()
    execution = finished(begin(graph(*says(3)), cost="1000"))
    told = ended_by(execution, "cost", "model")
    assert told["reached"] is None
    assert "'demo:chatter-demo-2' has no price" in execution.error["message"]
    assert calls_of(execution) == []


def test_a_model_that_is_free_may_be_asked_where_cost_is_limited(begin):
    execution = finished(begin(graph(*says(3)), cost="0.000000001"))
    assert execution.status == "completed"


def test_no_fallback_is_asked_because_of_a_limit(begin):
    model = says(ANSWERED, fallbacks=["demo:chatter-demo", "demo:chatter-demo"])
    execution = finished(begin(rounds(9, *model), tokens=EACH))
    ended_by(execution, "tokens", "model")
    assert len(calls_of(execution)) == 1


def test_no_error_handler_takes_up_a_limit(begin):
    whole = rounds(9, *says(ANSWERED))
    whole["nodes"].append(
        {"id": "sorry", "type": "error_handler", "config": {"retries": 3, "wait_s": 0}}
    )
    whole["edges"] += [
        {"source": "model", "source_port": "error", "target": "sorry"},
        {"source": "sorry", "target": "loop"},
    ]
    execution = finished(begin(whole, tokens=EACH))
    ended_by(execution, "tokens", "model")
    assert types_of(execution).count("node.failed") == 1


@pytest.mark.parametrize("died", [None, 2, 5, 7])
def test_a_tool_is_not_called_more_often_than_it_may(begin, died):
    execution = begin(tools_in_rounds(), tool_calls=2)
    if died is not None:
        assert live_and_die(after_commits=died)
        leases_run_out()
    finished(execution)
    told = ended_by(execution, "tool_calls", "tools")
    assert (told["most"], told["reached"]) == (2, 2)
    assert ToolCall.objects.filter(origin=execution.origin).count() == 2


def test_a_run_that_may_call_no_tool_may_still_ask_models(begin):
    execution = finished(begin(graph(*says(3)), tool_calls=0))
    assert (execution.status, reached(execution)) == ("completed", [])
