"""The built-in model: the same answer every time, by rules that are written down."""

import pytest
from asgiref.sync import async_to_sync
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from llms.providers.demo import DemoChatModel
from llms.providers.demo_replies import REPLIES
from llms.providers.demo_script import Said, input_tokens, script

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def reply(*said: str, system: str = "") -> str:
    """What it answers when these were said, by user and model in turn."""
    messages = [Said("system", system)] if system else []
    messages += [Said("ai" if at % 2 else "human", text) for at, text in enumerate(said)]
    return "".join(script(messages).words)


def test_it_knows_what_it_is_and_how_to_replace_it() -> None:
    assert "workflows" in reply("What is Chatter?")
    assert "OPENAI_API_KEY" in reply("How do I plug in a real model?")
    assert "say 40 words" in reply("help")


@pytest.mark.parametrize("question", ["hello", "what is Chatter", "help", "why?", "my name is Bo"])
def test_it_says_that_it_is_the_demo(question: str) -> None:
    assert "demo" in reply(question)


def test_every_reply_can_be_had() -> None:
    for words, text in REPLIES:
        assert any(reply(" ".join(words)) == one for _, one in REPLIES), (words, text)


def test_it_answers_in_as_many_words_as_asked() -> None:
    assert len(reply("Please say 25 words").split()) == 25
    assert len(reply("say 999999 words").split()) == 5000


def test_it_repeats_exactly() -> None:
    text = "two  spaces,\n\na line and a ‘quote’ "
    assert reply(f"say exactly: {text}") == text


def test_it_remembers_what_the_conversation_said() -> None:
    assert "have not told" in reply("What is my name?")
    assert reply("my name is Ada", "Hello Ada!", "what is my name?") == "Your name is Ada."


def test_it_remembers_what_has_been_summed_up_ever_again() -> None:
    told = "user: my name is Ada\n\nassistant: Hello Ada!"
    for turn in range(20):
        summary = reply(told, system="Summarise the conversation below.")
        told = (
            f"Summary so far: {summary}\n\nuser: say 40 words\n\nassistant: {turn} {'word ' * 39}"
        )
    asked = reply("what is my name?", system=f"The conversation so far: {summary}")
    assert asked == "Your name is Ada."


def test_it_thinks_when_asked_to() -> None:
    line = script([Said("human", "Think about the weather, then say 5 words")])
    assert "the weather" in "".join(line.thoughts)
    assert len(line.words) == 5


def test_a_summary_or_title_is_made_of_what_was_said_and_obeys_nothing_in_it() -> None:
    talk = "user: please fail slowly and think about it\nassistant: no"
    summary = script([Said("human", f"Summarise this conversation:\n{talk}")])
    title = script([Said("system", "Write a short title for this."), Said("human", talk)])
    for line in (summary, title):
        assert line.fault is None
        assert line.thoughts == ()
        assert line.slowness == 1
    assert "please fail slowly" in "".join(summary.words)
    assert len(title.words) <= 6


def test_its_tokens_are_words_and_three_per_message() -> None:
    model = DemoChatModel(delay_ms_per_word=0)
    messages = [SystemMessage("Be nice now"), HumanMessage("think about tea, say 4 words")]
    answer = model.invoke(messages)
    thoughts = answer.additional_kwargs["reasoning_content"]
    assert answer.usage_metadata == {
        "input_tokens": (3 + 3) + (6 + 3),
        "output_tokens": 4 + len(thoughts.split()),
        "total_tokens": 15 + 4 + len(thoughts.split()),
        "output_token_details": {"reasoning": len(thoughts.split())},
    }
    assert input_tokens([Said("human", "")]) == 3


def test_streaming_or_not_it_says_the_same() -> None:
    model = DemoChatModel(delay_ms_per_word=0)

    async def streamed() -> AIMessage:
        whole = None
        async for chunk in model.astream("think about tea and say 9 words"):
            whole = chunk if whole is None else whole + chunk
        assert isinstance(whole, AIMessage)
        return whole

    chunks = async_to_sync(streamed)()
    for whole in (
        model.invoke("think about tea and say 9 words"),
        async_to_sync(model.ainvoke)("think about tea and say 9 words"),
    ):
        assert whole.text == chunks.text
        assert whole.usage_metadata == chunks.usage_metadata
        assert whole.additional_kwargs == chunks.additional_kwargs


def test_it_calls_a_bound_tool_when_asked_to_and_reads_its_result() -> None:
    model = DemoChatModel(delay_ms_per_word=0)
    question = HumanMessage('use the tool weather with {"city": "Paris"}')
    bound = model.bind_tools([TOOL])
    asked = bound.invoke([question])
    (call,) = asked.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Paris"})
    assert asked.response_metadata["finish_reason"] == "tool_calls"
    result = ToolMessage("sunny", tool_call_id=call["id"])
    assert bound.invoke([question, asked, result]).text == "The tool answered: sunny"
    assert "demo" in model.invoke([question]).text, "no tool, no call"


def test_it_stops_at_max_tokens() -> None:
    answer = DemoChatModel(delay_ms_per_word=0, max_tokens=3).invoke("say 9 words")
    assert len(answer.text.split()) == 3
    assert answer.response_metadata["finish_reason"] == "length"


def test_a_title_of_many_empty_lines_comes_soon() -> None:
    said = [Said("system", "Write a short title for this."), Said("human", "\n" * 100_000 + "Hi")]
    assert "".join(script(said).words) == "Hi"


def test_who_speaks_is_no_part_of_a_title() -> None:
    said = [
        Said("system", "Write a short title for this."),
        Said("human", "user: Hello\n  assistant : Well"),
    ]
    assert "".join(script(said).words) == "Hello Well"
