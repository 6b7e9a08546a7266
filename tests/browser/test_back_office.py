"""The back office, as somebody uses it who has no mouse, a small window or long names."""

import re

import pytest
from playwright.sync_api import Dialog, FloatRect, Page, ViewportSize, expect

from tests.browser.chat import ChatPage
from tests.browser.site import PASSWORD, USERNAME
from tests.definitions.graphs import asks, graph, waits

LIST = "/admin/workflows/workflowdefinition/"
LONG = "averylongword" * 19
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 800}
_OUTSIDE = """() => [...document.querySelectorAll(".graph-node")]
  .filter((one) => one.querySelector(".graph-label").getBoundingClientRect().right
    > one.querySelector("rect").getBoundingClientRect().right)
  .map((one) => one.textContent.trim())"""
_CUT = """() => [...document.querySelectorAll(".module :is(textarea, input, table)")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const frame = one.closest(".readonly, .module");
    return one.getBoundingClientRect().right > frame.getBoundingClientRect().right
      && getComputedStyle(frame).overflowX !== "auto";
  })
  .map((one) => one.outerHTML.slice(0, 120))"""


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


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_a_name_without_a_place_to_break_widens_and_covers_nothing(
    chat: ChatPage, window: ViewportSize
) -> None:
    page = chat.page
    made = chat.post("definitions/", {"name": LONG, "graph": graph(asks("Be kind."))})
    page.set_viewport_size(window)
    for place in ("run/", "versions/1/", "change/"):
        page.goto(f"{LIST}{made['id']}/{place}")
        assert page.evaluate("document.documentElement.scrollWidth") == window["width"]
    heading = _box(page, "#content > h2")
    act = _box(page, ".object-tools li:first-child a")
    beside = heading["x"] + heading["width"] <= act["x"]
    assert beside or heading["y"] + heading["height"] <= act["y"]
    page.goto(f"{LIST}?q={LONG}")
    name = _box(page, "#result_list tbody tr:first-child th")
    assert name["x"] + name["width"] < window["width"]


def test_nothing_of_a_workflow_is_cut_off_on_a_phone(chat: ChatPage) -> None:
    page = chat.page
    made = chat.post("definitions/", {"name": "Small", "graph": graph(asks("Be kind."))})
    page.set_viewport_size(PHONE)
    page.goto(f"{LIST}{made['id']}/change/")
    assert _box(page, "#id_graph")["height"] > PHONE["height"] / 3
    assert page.evaluate(_CUT) == []
    page.goto(f"{LIST}{made['id']}/run/")
    assert page.evaluate(_CUT) == []


def test_a_changed_graph_is_not_left_without_a_question(chat: ChatPage) -> None:
    page, asked = chat.page, list[str]()

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    made = chat.post("definitions/", {"name": "Left", "graph": graph(asks("Be kind."))})
    address = f"{LIST}{made['id']}/change/"
    page.goto(address)
    page.get_by_label("Graph:").click()
    page.reload()
    assert asked == []
    _write(page, "Be kind.", "Be brief.")
    page.reload()
    assert asked == ["beforeunload"]
    _write(page, "Be kind.", "Be brief.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert asked == ["beforeunload"]


def test_what_was_written_is_there_after_one_had_to_sign_in_again(chat: ChatPage) -> None:
    made = chat.post("definitions/", {"name": "Kept", "graph": graph(asks("Be kind."))})
    chat.page.goto(f"{LIST}{made['id']}/change/")
    _write(chat.page, "Be kind.", "Be brief.")
    _sign_in_between(chat.page)
    expect(chat.page.get_by_role("alert")).to_contain_text("Nothing was saved")
    chat.page.get_by_role("button", name="Save", exact=True).click()
    expect(chat.page.get_by_text("was changed successfully")).to_be_visible()
    newest = chat.get(f"definitions/{made['id']}/")
    assert newest["graph"]["nodes"][1]["config"]["system"] == "Be brief."
    chat.page.goto(f"{LIST}{made['id']}/change/")
    expect(chat.page.get_by_label("Graph:")).to_have_value(re.compile("Be brief."))
    expect(chat.page.get_by_role("alert")).to_have_count(0)


def test_what_is_there_again_is_not_written_over_what_was_saved_meanwhile(chat: ChatPage) -> None:
    made = chat.post("definitions/", {"name": "Both", "graph": graph(asks("Be kind."))})
    at = f"definitions/{made['id']}/"
    chat.page.goto(f"{LIST}{made['id']}/change/")
    _write(chat.page, "Be kind.", "Be brief.")
    chat.post(at, {"graph": graph(asks("Be funny."))}, method="PATCH")
    _sign_in_between(chat.page)
    expect(chat.page.get_by_role("alert")).to_contain_text("Nothing was saved")
    chat.page.get_by_role("button", name="Save", exact=True).click()
    expect(chat.page.get_by_text("The workflow is at revision 2 by now")).to_be_visible()
    expect(chat.page.get_by_label("Graph:")).to_have_value(re.compile("Be brief."))
    assert chat.get(at)["graph"]["nodes"][1]["config"]["system"] == "Be funny."


@pytest.mark.parametrize("kind", ["definition", "template"])
def test_what_the_browsers_back_gives_back_is_not_written_over_what_was_saved_meanwhile(
    chat: ChatPage, kind: str
) -> None:
    page = chat.page
    made = chat.post(f"{kind}s/", {"name": "Back", "graph": graph(asks("Be kind."))})
    page.goto(f"/admin/workflows/workflow{kind}/{made['id']}/change/")
    page.get_by_label("Description:").fill("Mine")
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history/")
    chat.post(f"{kind}s/{made['id']}/", {"description": "Theirs"}, method="PATCH")
    page.go_back()
    expect(page.get_by_label("Description:")).to_have_value("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("is at revision 2 by now")).to_be_visible()
    assert chat.get(f"{kind}s/{made['id']}/")["description"] == "Theirs"


def test_what_was_saved_is_not_said_to_be_lost_when_one_signs_in_later(chat: ChatPage) -> None:
    page = chat.page
    made = chat.post("definitions/", {"name": "Saved", "graph": graph(asks("Be kind."))})
    address = f"{LIST}{made['id']}/change/"
    page.goto(address)
    _write(page, "Be kind.", "Be brief.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    page.context.clear_cookies(name="sessionid")
    page.goto(address)
    _sign_in(page)
    expect(page.get_by_label("Graph:")).to_have_value(re.compile("Be brief."))
    expect(page.get_by_role("alert")).to_have_count(0)


def _write(page: Page, before: str, after: str) -> None:
    field = page.get_by_label("Graph:")
    field.fill(field.input_value().replace(before, after))


def _sign_in_between(page: Page) -> None:
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save", exact=True).click()
    _sign_in(page)


def _sign_in(page: Page) -> None:
    page.get_by_label("Username").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _box(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).bounding_box()
    assert found is not None
    return found
