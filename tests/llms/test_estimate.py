"""Guesses and bounds, against what tokenizers are known to make of texts."""

from hypothesis import given
from hypothesis import strategies as st

from llms.estimate import estimated_tokens, measured_input, most_output
from llms.messages import ChatMessage

texts = st.text(st.characters(codec="utf-8"), max_size=200)


def test_english_is_about_four_characters_a_token() -> None:
    # 18 words and 2 marks, each about a token.
    text = "The quick brown fox jumps over the lazy dog, and then it sleeps in the sun until noon."
    assert 16 <= estimated_tokens(text) <= 26


def test_chinese_is_about_a_token_a_character() -> None:
    assert 8 <= estimated_tokens("我们今天去公园散步吧") <= 12


@given(texts)
def test_only_empty_text_is_no_tokens(text: str) -> None:
    assert (estimated_tokens(text) == 0) == (text == "")


@given(st.lists(texts, max_size=4))
def test_the_bound_is_never_below_the_guess(said: list[str]) -> None:
    messages = [ChatMessage("user", text) for text in said]
    guess, most = measured_input(messages, ())
    assert guess >= 1
    assert guess <= max(1, most)


def test_tools_and_their_calls_are_measured_too() -> None:
    plain = [ChatMessage("user", "Hi")]
    called = [
        ChatMessage("assistant", "", tool_calls=({"id": "1", "name": "weather", "args": {}},))
    ]
    tools = [{"name": "weather", "description": "Tells the weather.", "parameters": {}}]
    assert measured_input(plain, tools) > measured_input(plain, ())
    assert measured_input(called, ()) > measured_input([ChatMessage("assistant", "")], ())


def test_the_tightest_known_limit_bounds_the_answer() -> None:
    assert most_output(None, 4000, 128_000) == 4000
    assert most_output(100, 4000, 128_000) == 100
    assert most_output(None, None, 8000) == 8000
    assert most_output(None, None) is None
