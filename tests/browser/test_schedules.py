"""The page of schedules: what the form says is what will be, and it happens by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.chat import ChatPage
from tests.browser.complaints import Complaints


def test_a_schedule_is_made_and_runs_by_itself(page: Page) -> None:
    page.goto("/schedules/")
    page.get_by_role("link", name="New schedule").click()
    page.locator("#id_name").fill("Soon")
    page.get_by_label("What runs").select_option(label="Universal chat")
    page.get_by_label("Message").fill("say exactly: it was time")
    page.locator("#id_kind").select_option("once")
    expect(page.get_by_label("Cron expression")).to_be_hidden()
    page.get_by_label("Time zone").fill("UTC")
    soon = datetime.now(UTC) + timedelta(seconds=4)
    page.locator("#id_run_at").fill(soon.strftime("%Y-%m-%dT%H:%M:%S"))
    expect(page.locator("#times li")).to_have_count(1)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Soon")
    link = page.get_by_role("link", name="open")
    for _ in range(20):
        if link.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    link.click()
    expect(page.locator("#output")).to_contain_text("it was time")


def test_a_time_zone_that_was_chosen_stays_where_the_form_comes_back(
    open_context: Callable[..., BrowserContext], complaints: Complaints
) -> None:
    page = open_context(timezone_id="Europe/Berlin").new_page()
    page.goto("/schedules/new/")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("Time zone").fill("UTC")
    complaints.expect("400")
    page.get_by_role("button", name="Create").click()
    expect(page.locator(".field-error").first).to_be_visible()
    expect(page.locator("#times li")).to_have_count(5)
    expect(page.get_by_label("Time zone")).to_have_value("UTC")


def test_the_next_times_follow_what_is_written(page: Page) -> None:
    page.goto("/schedules/new/")
    expect(page.locator("#times li")).to_have_count(5)
    page.get_by_label("Cron expression").fill("0 0 31 2 *")
    expect(page.locator("#no-times")).to_contain_text("never comes")
    page.locator("#id_kind").select_option("interval")
    page.locator("#id_every").fill("2")
    expect(page.locator("#times li")).to_have_count(5)


def test_what_the_browsers_back_gives_back_is_not_saved_over_what_was_saved_meanwhile(
    chat: ChatPage, complaints: Complaints
) -> None:
    page = chat.page
    times = {"kind": "interval", "every_s": 3600}
    body = {"name": "Mine", "template": "universal_chat", "input": {"message": "hi"}, **times}
    made = chat.post("schedules/", body)
    page.goto(f"/schedules/{made['id']}/")
    page.locator("#id_name").fill("Mine, changed")
    page.get_by_role("link", name="Schedules").first.click()
    page.wait_for_url("**/schedules/")
    chat.post(f"schedules/{made['id']}/", {"name": "Theirs"}, method="PATCH")
    page.go_back()
    expect(page.locator("#id_name")).to_have_value("Mine, changed")
    complaints.expect("412")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("schedule_changed")
    assert chat.get(f"schedules/{made['id']}/")["name"] == "Theirs"
