"""The back office, as somebody uses it who has no mouse."""

from playwright.sync_api import expect

from tests.browser.chat import ChatPage
from tests.definitions.graphs import asks, graph, waits

LIST = "/admin/workflows/workflowdefinition/"
_OUTSIDE = """() => [...document.querySelectorAll(".graph-node")]
  .filter((one) => one.querySelector(".graph-label").getBoundingClientRect().right
    > one.querySelector("rect").getBoundingClientRect().right)
  .map((one) => one.textContent.trim())"""


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


def test_the_name_of_a_node_stays_in_its_box_however_long_its_letters_are(chat: ChatPage) -> None:
    names = ("W" * 40, "总结用户的消息并且翻译成为英文然后再发送给客户", "x" * 40)
    nodes = [{**waits(0, f"n{at}"), "label": name} for at, name in enumerate(names)]
    made = chat.post("definitions/", {"name": "Wide", "graph": graph(*nodes)})
    chat.page.goto(f"{LIST}{made['id']}/change/")
    expect(chat.page.locator(".graph-node")).to_have_count(5)
    assert chat.page.evaluate(_OUTSIDE) == []
