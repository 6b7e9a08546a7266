"""The back office, as somebody uses it who has no mouse."""

from playwright.sync_api import expect

from tests.browser.chat import ChatPage
from tests.definitions.graphs import asks, graph

LIST = "/admin/workflows/workflowdefinition/"


def test_enter_behind_the_name_of_a_fork_forks(chat: ChatPage) -> None:
    made = chat.post("definitions/", {"name": "Enter", "graph": graph(asks("Be kind."))})
    at = f"definitions/{made['id']}/"
    chat.post(at, {"graph": graph(asks("Be brief."))}, method="PATCH")
    chat.page.goto(f"{LIST}{made['id']}/versions/2/")
    chat.page.get_by_label("Name of a fork").fill("Mine")
    chat.page.get_by_label("Name of a fork").press("Enter")
    expect(chat.page.get_by_text("This is a workflow of your own")).to_be_visible()
    expect(chat.page.get_by_label("Name:")).to_have_value("Mine")
    assert chat.get(at)["published"] == 1
