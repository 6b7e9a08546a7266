"""The server dies under open pages, and comes back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat import ChatPage, over, partial_text, prose
from tests.browser.complaints import Complaints
from tests.drills.server import Chatter

_PATIENCE_MS = 60_000


@pytest.mark.slow
def test_a_server_killed_in_the_middle_of_an_answer_costs_and_doubles_nothing(
    chat: ChatPage, site: Chatter, complaints: Complaints
) -> None:
    complaints.expect_server_gone()
    answer = chat.say("say 30 words slowly")
    run = _page_of(chat)
    partial_text(answer)
    site.kill()
    expect(chat.page.locator("#connection")).to_contain_text("Connection lost")
    site.start()
    expect(answer).to_have_attribute("aria-busy", "false", timeout=_PATIENCE_MS)
    expect(chat.page.locator("#connection")).to_be_hidden()
    message = chat.messages[1]
    assert prose(answer) == message["text"]
    assert len(message["text"].split()) == 30

    events = chat.log(message["execution"])
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert "execution.resumed" in {event["type"] for event in events}
    expect(run.locator("#status")).to_have_text("completed")
    expect(run.locator("#log > li")).to_have_count(len(events))
    shown = run.locator("#log > li .seq").all_text_contents()
    assert shown == [str(event["seq"]) for event in events]

    again = over(chat.say("say exactly: still here"))
    expect(again.locator("> .prose")).to_have_text("still here")


def _page_of(chat: ChatPage) -> Page:
    """The page of the run that answers, in another tab."""
    run = chat.page.context.new_page()
    run.goto(f"/executions/{chat.answers.first.get_attribute('data-execution')}/")
    return run
