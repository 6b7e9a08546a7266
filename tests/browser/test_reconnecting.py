"""The server dies under open pages or cannot be reached, and comes back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat import NO_ANSWER, ChatPage, execution_of, over, partial_text, prose
from tests.browser.complaints import Complaints
from tests.drills.server import Chatter

_PATIENCE_MS = 60_000
_SOON_MS = 25_000  # a socket is given up after 30 s


@pytest.mark.slow
def test_a_server_killed_in_the_middle_of_an_answer_costs_and_doubles_nothing(
    chat: ChatPage, site: Chatter, complaints: Complaints
) -> None:
    complaints.expect_server_gone()
    answer = chat.say("say 30 words slowly")
    run = _page_of(chat)
    partial_text(answer)
    site.kill()
    for page in (chat.page, run):
        expect(page.locator("#connection")).to_contain_text("Connection lost")
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
    expect(run.locator("#connection")).to_be_hidden()
    expect(run.locator("#log > li")).to_have_count(len(events))
    shown = run.locator("#log > li .seq").all_text_contents()
    assert shown == [str(event["seq"]) for event in events]

    again = over(chat.say("say exactly: still here"))
    expect(again.locator("> .prose")).to_have_text("still here")


def test_an_answer_comes_where_a_socket_gets_no_answer(chat: ChatPage) -> None:
    chat.page.add_init_script(NO_ANSWER)
    chat.page.reload()
    answer = chat.ready().say("say 8 words slowly")
    expect(answer).to_have_attribute("aria-busy", "false", timeout=_SOON_MS)
    assert prose(answer) == chat.messages[1]["text"]
    again = chat.say("say exactly: and on")
    expect(again).to_have_attribute("aria-busy", "false", timeout=_SOON_MS)
    expect(chat.totals).to_contain_text("out10")


def test_what_is_drawn_while_nobody_can_be_reached_is_seen(
    chat: ChatPage, complaints: Complaints
) -> None:
    complaints.expect("ERR_INTERNET_DISCONNECTED")
    answer = chat.say("say 30 words slowly")
    partial_text(answer)
    chat.page.context.set_offline(True)
    chat.field.fill("say exactly: nobody hears")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.page.locator("#composer-problem")).to_be_visible()
    chat.questions.first.get_by_role("button", name="Copy message").click()
    expect(chat.page.locator("#announcer")).to_have_text("Copied")
    chat.page.context.set_offline(False)
    over(answer)
    for name in ("Copy message", "This helped", "Copy answer"):
        drawn = chat.page.get_by_role("button", name=name).locator(".icon").first
        expect(drawn).to_be_attached()
        assert drawn.evaluate("(icon) => icon.getBBox().width") > 0, name


def _page_of(chat: ChatPage) -> Page:
    """The page of the run that answers, in another tab."""
    run = chat.page.context.new_page()
    run.goto(f"/executions/{execution_of(chat.answers.first)}/")
    return run
