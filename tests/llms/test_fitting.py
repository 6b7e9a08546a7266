"""What does not fit into a model's context is left out or told, before anybody is asked."""

import pytest

from llms.errors import ProviderError
from llms.fitting import fitted
from llms.messages import ChatMessage
from tests.llms.conftest import answered, question, wire_spec

TOLD = ChatMessage("system", "Be kind.")
ASKED = ChatMessage("user", "And now?")


def talk(turns):
    """Each turn is about 100 tokens."""
    return [
        ChatMessage(role, f"{at} ".ljust(180, "x"))
        for at in range(turns)
        for role in ("user", "assistant")
    ]


def sent(window, turns=10, wanted=None):
    messages = [TOLD, *talk(turns), ASKED]
    return fitted(messages, range(1, 1 + 2 * turns), (), window, wanted)


def test_what_fits_stays_whole():
    whole = sent(10_000)
    assert len(whole.messages) == 22
    assert 8_500 < whole.left < 9_000


def test_the_oldest_of_the_history_goes_first_and_nothing_else():
    cut = sent(800)
    assert (cut.messages[0], cut.messages[-1]) == (TOLD, ASKED)
    history = cut.messages[1:-1]
    assert 0 < len(history) < 20
    assert history == talk(10)[-len(history) :]
    assert history[0].role == "user"
    assert cut.left >= 200


def test_more_goes_where_the_answer_is_to_be_longer():
    assert len(sent(800, wanted=600).messages) < len(sent(800).messages)


def test_a_question_that_does_not_fit_by_itself_is_told():
    with pytest.raises(ProviderError) as told:
        fitted([TOLD, ChatMessage("user", "x" * 4_000)], (), (), 1_000, None)
    assert told.value.code == "context_too_small"


def test_a_question_that_is_to_leave_room_for_the_answer_is_told_when_it_leaves_none():
    long = [TOLD, ChatMessage("user", "x" * 3_600)]
    assert fitted(long, (), (), 1_000, None).left < 50
    with pytest.raises(ProviderError) as told:
        fitted(long, (), (), 1_000, None, with_room=True)
    assert told.value.code == "context_too_small"
    assert fitted(long, (), (), 1_300, None, with_room=True).left > 250


def test_without_a_window_nothing_is_known():
    assert sent(None).left is None


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_the_answer_is_bound_by_what_the_question_leaves(wire, recorder, kind):
    spec = wire_spec(wire, kind, context_window=300, max_output_tokens=1_000)
    answered(question(spec, "[[words=900]] " + "word " * 100), recorder)
    call = recorder.call
    assert call.finish_reason in ("length", "max_tokens")
    assert 50 < call.parameters["max_tokens"] < 200
    assert call.output_tokens == call.parameters["max_tokens"]
    assert call.upper_bound_tokens is None


@pytest.mark.parametrize("most, said", [(5_000, 4_500), (1_000, 1_000)])
@pytest.mark.parametrize("window", [None, 100_000])
def test_an_answer_may_be_as_long_as_the_profile_says_and_no_longer(
    wire, recorder, most, said, window
):
    """Whatever LangChain takes for the longest answer of an Anthropic model it does not know."""
    spec = wire_spec(wire, "anthropic", context_window=window, max_output_tokens=most)
    answered(question(spec, "[[words=4500]]"), recorder)
    assert recorder.call.output_tokens == said


def test_a_limit_that_was_set_stays(wire, recorder):
    spec = wire_spec(wire, "openai", context_window=300)
    answered(question(spec, "[[words=900]]", parameters={"max_tokens": 7}), recorder)
    assert recorder.call.parameters["max_tokens"] == 7
    assert recorder.call.output_tokens == 7


def test_no_row_is_opened_for_a_question_that_does_not_fit(wire, recorder):
    spec = wire_spec(wire, "openai", context_window=100)
    with pytest.raises(ProviderError):
        answered(question(spec, "word " * 500), recorder)
    assert recorder.rows == []
    assert wire.meter.records == []


class Counted(ChatMessage):
    """A message that counts how often it is read."""

    reads = 0

    def everything(self):
        Counted.reads += 1
        return super().everything()


def test_each_message_is_measured_once_or_twice_however_many_are_left_out():
    messages = [Counted("user", "x" * 400) for _ in range(500)]
    cut = fitted(messages, range(499), (), 1_000, None)
    assert len(cut.messages) < 20
    assert Counted.reads <= 2 * len(messages)
