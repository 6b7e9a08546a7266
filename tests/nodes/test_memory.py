"""The memory node: what a model sees of the conversation before, whole or summed up."""

import re

import pytest

from llms.errors import ProviderError
from llms.messages import ChatMessage
from tests.fakes import FakeServices, run_graph
from workflows.engine.context import History
from workflows.engine.errors import RunFailed

CHAIN = ["start>memory", "memory>model", "model>end"]


def chat(config, said):
    nodes = {"start": {}, "memory": {"config": config}, "model": {}, "end": {}}
    services = FakeServices(said=said, answers={"memory": "they met", "model": "fine"})
    return run_graph(nodes, CHAIN, "and now?", services)


def history(turns, summary="", through=0):
    messages, numbers = [], []
    for turn in range(1, turns + 1):
        messages += [ChatMessage("user", f"q{turn}"), ChatMessage("assistant", f"a{turn}")]
        numbers += [turn, turn]
    return History(messages, numbers, summary, through)


def seen(ran):
    return [message.text for message in ran.services.asked[-1].messages]


def test_within_the_window_the_model_sees_the_conversation_as_it_was():
    ran = chat({"window": 4}, history(2))
    assert seen(ran) == ["q1", "a1", "q2", "a2", "and now?"]
    assert [question.purpose for question in ran.services.asked] == ["answer"]


def test_beyond_the_window_the_model_sees_a_summary_and_the_rest():
    ran = chat({"window": 2}, history(3))
    assert seen(ran) == ["The conversation so far: they met", "q3", "a3", "and now?"]
    summary = ran.services.asked[0]
    assert (summary.purpose, summary.node) == ("summary", "memory")
    assert "q1" in summary.messages[-1].text
    assert ran.result.memory.through == 2


def test_a_kept_summary_is_extended_only_by_what_left_the_window_since():
    ran = chat({"window": 2}, history(3, summary="old", through=1))
    told = ran.services.asked[0].messages[-1].text
    assert "Summary so far: old" in told
    assert "q2" in told
    assert "q1" not in told


def test_an_odd_window_parts_no_answer_from_its_question():
    """A summary goes by turns: half of one would be neither in it nor in the window."""
    first = chat({"window": 3}, history(3))
    assert seen(first) == ["The conversation so far: they met", "q2", "a2", "q3", "a3", "and now?"]
    assert first.result.memory.through == 1
    later = chat({"window": 3}, history(4, summary="old", through=1))
    assert "q2\n\nassistant: a2" in later.services.asked[0].messages[-1].text
    assert seen(later)[1:] == ["q3", "a3", "q4", "a4", "and now?"]


def test_without_summaries_old_messages_are_only_left_out():
    ran = chat({"window": 2, "summarise": False}, history(3))
    assert seen(ran) == ["q3", "a3", "and now?"]


def test_switched_off_memory_shows_the_model_nothing_of_before():
    assert seen(chat({"enabled": False}, history(3))) == ["and now?"]


def remembered(*edges, answers=None, **others):
    """What each model saw of before, where the node `w2` keeps two messages of it."""
    nodes = {f"w{most}": memory(most) for most in (0, 2, 4)}
    nodes |= {name: {"type": "model"} for name in ("one", "two", "three")}
    nodes |= {"start": {}, "end": {}} | others
    named = {name for edge in edges for name in re.split(r"\.\w+|>", edge)}
    services = FakeServices(said=history(3), answers=answers or {})
    run_graph({name: nodes[name] for name in nodes if name in named}, edges, "hi", services)
    return {ask.node: [message.text for message in ask.messages[:-1]] for ask in services.asked}


def memory(window):
    return {"type": "memory", "config": {"window": window, "summarise": False}}


def test_a_model_sees_what_the_last_memory_before_it_kept():
    seen = remembered(
        *("start>w4", "w4>one", "one>w2", "w2>two", "two>w0", "w0>three", "three>end")
    )
    assert seen == {"one": ["q2", "a2", "q3", "a3"], "two": ["q3", "a3"], "three": []}


def test_where_two_memories_meet_the_longer_is_seen():
    seen = remembered("start>w4", "start>w2", "w4>one", "w2>one", "one>end")
    assert seen == {"one": ["q2", "a2", "q3", "a3"]}


def test_a_model_in_a_branch_beside_a_memory_sees_nothing_of_before():
    seen = remembered(
        *("start>w4", "w4>end", "start>one", "one>two", "one>three", "two>end", "three>end")
    )
    assert seen == {"one": [], "two": [], "three": []}


def test_in_a_map_and_behind_a_handler_a_model_sees_what_was_kept_before():
    each = {"type": "map", "config": {"items": "[1]"}}
    seen = remembered(
        *("start>w2", "w2>each", "each.each>one", "one>each", "each.done>two", "two>end"),
        each=each,
    )
    assert seen == {"each[0]/one": ["q3", "a3"], "two": ["q3", "a3"]}
    seen = remembered(
        *("start>w2", "w2>one", "one>end", "caught>two", "two>last"),
        answers={"one": ProviderError("provider_failed")},
        caught={"type": "error_handler", "config": {"scope": "graph"}},
        last={"type": "end"},
    )
    assert seen == {"one": ["q3", "a3"], "two": ["q3", "a3"]}


def test_behind_the_handler_of_a_graph_a_model_sees_what_the_node_that_failed_did():
    seen = remembered(
        *("start>w4", "w4>w2", "w2>one", "one>end", "caught>two", "two>last"),
        answers={"one": ProviderError("provider_failed")},
        caught={"type": "error_handler", "config": {"scope": "graph"}},
        last={"type": "end"},
    )
    assert seen == {"one": ["q3", "a3"], "two": ["q3", "a3"]}


def test_what_is_behind_it_can_name_the_summary_and_how_many_messages_are_seen():
    nodes = {
        "start": {},
        "memory": {"config": {"window": 2}},
        "end": {"config": {"output": "{{nodes.memory.messages}} after: {{nodes.memory.summary}}"}},
    }
    services = FakeServices(said=history(3), answers={"memory": "they met"})
    ran = run_graph(nodes, ["start>memory", "memory>end"], "hi", services)
    assert ran.result.text == "2 after: they met"


def test_the_summary_is_asked_of_the_model_that_it_names():
    services = FakeServices(said=history(3))
    nodes = {
        "start": {},
        "memory": {"config": {"window": 2, "model": "a:b"}},
        "model": {},
        "end": {},
    }
    run_graph(nodes, CHAIN, "hi", services)
    assert [question.model for question in services.asked] == ["a:b", ""]


def test_a_summary_that_fails_is_an_error_of_the_node():
    services = FakeServices(said=history(3), answers={"memory": ProviderError("provider_failed")})
    nodes = {"start": {}, "memory": {"config": {"window": 2}}, "model": {}, "end": {}}
    with pytest.raises(RunFailed) as failed:
        run_graph(nodes, CHAIN, "hi", services)
    assert (failed.value.node, failed.value.code) == ("memory", "provider_failed")


def reads(characters, answer="they met"):
    """Sums up what is no longer than this."""

    def asked(question):
        too_long = len(question.messages[-1].text) > characters
        return ProviderError("context_too_small") if too_long else answer

    return asked


def test_what_a_provider_finds_too_long_is_asked_with_half_as_much_of_the_history():
    def answer(question):
        too_long = len(question.messages) > 4
        return ProviderError("context_too_long") if too_long else "fine"

    nodes = {"start": {}, "memory": {}, "model": {}, "end": {}}
    ran = run_graph(
        nodes, CHAIN, "and now?", FakeServices(said=history(6), answers={"model": answer})
    )
    assert seen(ran) == ["q6", "a6", "and now?"]
    assert [len(question.messages) for question in ran.services.asked] == [13, 7, 3]
    nodes["model"] = {"config": {"model": "a", "fallbacks": ["b"]}}
    ran = run_graph(
        nodes, CHAIN, "and now?", FakeServices(said=history(6), answers={"model": answer})
    )
    assert [question.model for question in ran.services.asked] == ["a", "b", "b", "b"]


def test_a_question_that_a_provider_finds_too_long_by_itself_fails():
    services = FakeServices(said=history(6), answers={"model": ProviderError("context_too_long")})
    with pytest.raises(RunFailed) as failed:
        run_graph({"start": {}, "memory": {}, "model": {}, "end": {}}, CHAIN, "and now?", services)
    assert failed.value.code == "context_too_long"
    assert [len(question.messages) for question in services.asked] == [13, 7, 3, 1]


def chat_with(summing_up, said):
    services = FakeServices(said=said, answers={"memory": summing_up, "model": "fine"})
    nodes = {"start": {}, "memory": {"config": {"window": 2}}, "model": {}, "end": {}}
    return run_graph(nodes, CHAIN, "and now?", services)


def test_what_is_too_long_to_be_summed_up_at_once_is_seen_as_it_is_until_it_is_its_turn():
    ran = chat_with(reads(60), history(6))
    assert ran.result.memory.through == 2
    assert "q2" in ran.services.asked[-2].messages[-1].text
    assert seen(ran)[:2] == ["The conversation so far: they met", "q3"]
    assert len(seen(ran)) == 10


def test_of_a_turn_that_is_too_long_by_itself_the_beginning_is_summed_up():
    long = [ChatMessage("user", "long " * 400), ChatMessage("assistant", "a1")]
    said = History([*long, *history(1).messages], [1, 1, 2, 2])
    ran = chat_with(reads(700), said)
    told = ran.services.asked[-2].messages[-1].text
    assert told.startswith("user: long long")
    assert told.endswith("assistant: a1")
    assert ran.result.memory.through == 1


def test_a_summary_that_never_fits_is_an_error_of_the_node():
    with pytest.raises(RunFailed) as failed:
        chat_with(reads(0), history(3))
    assert (failed.value.node, failed.value.code) == ("memory", "context_too_small")


@pytest.mark.parametrize("answer", [" ", ProviderError("content_filtered")])
def test_without_a_summary_of_what_left_the_window_it_is_seen_as_it_is(answer):
    ran = chat_with(answer, history(4, summary="old", through=1))
    assert seen(ran)[:3] == ["The conversation so far: old", "q2", "a2"]
    assert (ran.result.memory.summary, ran.result.memory.through) == ("old", 1)
