"""The page of approvals, as somebody uses it who has no mouse."""

from playwright.sync_api import expect

from tests.browser.chat import ChatPage, execution_of
from tests.definitions.graphs import graph

_ASKS = {"id": "ask", "type": "approval", "config": {"question": "Delete it?"}}


def test_what_is_to_be_decided_is_told_in_the_chat_and_on_the_page_of_the_run(
    chat: ChatPage,
) -> None:
    edges = ["start>ask", "ask.approved>end", "ask.rejected>end"]
    body = {"name": "Asks first", "graph": graph(_ASKS, edges=edges)}
    asks = chat.post("definitions/", body)["id"]
    chat.page.reload()
    chat.ready()
    chat.page.get_by_label("Answered by").select_option(f"definition:{asks}")
    answer = chat.say("Well?")
    told = chat.page.locator("#announcer")
    expect(told).to_have_text("Waits for a decision: Delete it?")
    run = execution_of(answer)
    chat.page.goto(f"/executions/{run}/")
    expect(told).to_have_text("Waits for a decision: Delete it?")
    chat.post(f"executions/{run}/cancel/")


def test_the_way_to_a_decision_is_not_replaced_while_somebody_presses_it(chat: ChatPage) -> None:
    edges = ["start>ask", "ask.approved>end", "ask.rejected>end"]
    body = {"graph": graph(_ASKS, edges=edges), "input": {}}
    run = chat.post("workflows/execute/", body)["execution"]["id"]
    mark = "document.querySelector('#waiting a')?.setAttribute('data-sent', 'by the server')"
    chat.page.add_init_script(f"document.onreadystatechange = () => {mark}")
    chat.page.goto(f"/executions/{run}/")
    expect(chat.page.locator("#announcer")).to_have_text("Waits for a decision: Delete it?")
    way = chat.page.get_by_role("link", name="Decide")
    expect(way).to_have_attribute("data-sent", "by the server")
    chat.post(f"executions/{run}/cancel/")
    expect(way).to_have_count(0)


def test_enter_in_a_comment_decides_nothing(chat: ChatPage) -> None:
    edges = ["start>ask", "ask.approved>end", "ask.rejected>end"]
    body = {"graph": graph(_ASKS, edges=edges), "input": {}, "mode": "background"}
    run = chat.post("workflows/execute/", body)["execution"]["id"]
    chat.page.goto(f"/executions/{run}/")
    chat.page.get_by_role("link", name="Decide").click()
    comment = chat.page.get_by_label("Comment")
    comment.fill("Never,")
    comment.press("Enter")
    comment.press_sequentially("and nowhere.")
    chat.page.get_by_role("button", name="Reject").click()
    expect(chat.page.get_by_text("Rejected: Delete it?")).to_be_visible()
    (decided,) = chat.get(f"approvals/?execution={run}")["results"]
    assert (decided["status"], decided["comment"]) == ("rejected", "Never,\nand nowhere.")
