"""The page of approvals, as somebody uses it who has no mouse."""

from playwright.sync_api import expect

from tests.browser.chat import ChatPage
from tests.definitions.graphs import graph

_ASKS = {"id": "ask", "type": "approval", "config": {"question": "Delete it?"}}


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
