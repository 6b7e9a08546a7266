"""The page of experiments: what the form says is what is put to the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.chat import ChatPage, prose
from tests.browser.complaints import Complaints
from tests.browser.site import UNPRICED
from tests.definitions.graphs import graph

_MANY = 30  # conversations, of which not all are dealt the same: 1 in 500 million by chance
_CONTROL = {"name": "as it is", "control": True}


@contextmanager
def running(chat: ChatPage, **about: Any) -> Iterator[str]:
    """An experiment of whoever is at the page, until the test ends; gives its id."""
    made = chat.post("experiments/", {"name": "Live", "primary": "tokens", **about})["id"]
    chat.post(f"experiments/{made}/start/")
    try:
        yield made
    finally:
        chat.post(f"experiments/{made}/complete/")


def dealt(chat: ChatPage, experiment: str, answered_by: str) -> set[tuple[str, str, str]]:
    """Workflow, model and text of all answers; conversations are begun until two answers differ.

    Both turns of each are answered by the same, and counted.
    """
    seen: set[tuple[str, str, str]] = set()
    talks = 0
    while len(seen) < 2 and talks < _MANY:
        chat.open().page.get_by_label("Answered by").select_option(label=answered_by)
        first, second = (_told(chat.ask("say exactly: Hello")) for _ in range(2))
        assert first == second
        seen.add(first)
        talks += 1
    units = chat.get(f"experiments/{experiment}/results/")["split"]["units"]
    assert sum(units.values()) == talks
    return seen


def _told(answer: Locator) -> tuple[str, str, str]:
    assert answer.get_attribute("data-state") == "complete", answer.inner_text()
    who = (answer.locator(f".who .{part}") for part in ("workflow", "model"))
    workflow, model = (one.text_content() or "" for one in who)
    return workflow, model, prose(answer)


def test_turns_typed_on_the_chat_page_are_dealt_to_models(chat: ChatPage) -> None:
    variants = [_CONTROL, {"name": "other", "parameters": {"model": UNPRICED}}]
    with running(chat, template="universal_chat", variants=variants) as live:
        seen = dealt(chat, live, "Universal chat")
        assert seen == {("", "demo:chatter-demo", "Hello"), ("", UNPRICED, "Hello")}
        chat.open().page.get_by_label("Model").select_option(UNPRICED)
        before = chat.get(f"experiments/{live}/results/")["split"]["units"]
        assert _told(chat.ask("Hello"))[1] == UNPRICED
        assert chat.get(f"experiments/{live}/results/")["split"]["units"] == before


def test_turns_typed_on_the_chat_page_are_dealt_to_templates(chat: ChatPage) -> None:
    variants = [_CONTROL, {"name": "other", "template": "general_chat"}]
    with running(chat, template="universal_chat", variants=variants) as live:
        model = "demo:chatter-demo"
        seen = dealt(chat, live, "Universal chat")
        assert seen == {("", model, "Hello"), ("General chat", model, "Hello")}
    with running(chat, template="code_assistant", variants=variants) as live:
        seen = dealt(chat, live, "Code assistant")
        assert seen == {("Code assistant", model, "Hello"), ("General chat", model, "Hello")}


def test_turns_typed_on_the_chat_page_are_dealt_to_versions(chat: ChatPage) -> None:
    one, two = (
        graph({"id": "say", "type": "prompt", "config": {"template": text}})
        for text in ("one", "two")
    )
    made = chat.post("definitions/", {"name": "In versions", "graph": one})["id"]
    chat.post(f"definitions/{made}/", {"graph": two}, method="PATCH")
    variants = [{**_CONTROL, "number": 1}, {"name": "two", "number": 2}]
    with running(chat, definition=made, variants=variants) as live:
        seen = dealt(chat, live, "In versions")
        assert seen == {("In versions", "Chatter", "one"), ("In versions", "Chatter", "two")}


def test_an_experiment_is_made_with_two_variants_and_started(
    page: Page, complaints: Complaints
) -> None:
    complaints.expect("400")  # of a form with something wrong in it
    page.goto("/experiments/")
    page.get_by_role("link", name="New experiment").click()
    page.locator("#id_name").fill("Shorter answers")
    page.get_by_label("About").select_option(label="Universal chat")
    rows = page.get_by_role("group", name="Variant")
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_label("Name").fill("brief")
    rows.nth(1).get_by_label("Parameters").fill('{"system": "Be brief.')
    page.get_by_role("button", name="Add a variant").click()
    expect(rows).to_have_count(3)
    expect(rows.nth(2).get_by_label("Name")).to_be_focused()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert").filter(has_text="no JSON")).to_be_visible()
    rows.nth(1).get_by_label("Parameters").fill('{"system": "Be brief."}')
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Shorter answers")
    expect(page.locator("tr", has_text="brief").first).to_contain_text("Be brief.")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".run-title .status")).to_have_text("running")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    page.get_by_role("button", name="Complete").click()
    expect(page.locator(".run-title .status")).to_have_text("completed")


def test_the_form_shows_what_fits_and_rows_come_and_go(page: Page) -> None:
    page.goto("/experiments/new/")
    rows = page.get_by_role("group", name="Variant")
    expect(page.get_by_label("Users", exact=True)).to_be_hidden()
    page.get_by_label("Whose turns").select_option("chosen")
    expect(page.get_by_label("Users", exact=True)).to_be_visible()
    expect(page.get_by_label("Name of the event")).to_be_hidden()
    page.get_by_label("Decided by").select_option("event")
    expect(page.get_by_label("Name of the event")).to_be_visible()
    expect(rows.first.get_by_label("Answered by")).to_be_hidden()
    page.get_by_label("About").select_option(label="Universal chat")
    page.get_by_role("button", name="Add a variant").click()
    expect(rows.nth(2).get_by_label("Answered by")).to_be_visible()
    expect(rows.nth(2).get_by_label("Version")).to_be_hidden()
    rows.nth(1).get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(2)
    expect(page.get_by_role("button", name="Add a variant")).to_be_focused()
