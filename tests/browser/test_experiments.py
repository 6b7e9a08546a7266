"""The page of experiments: what the form says is what is put to the test."""

from playwright.sync_api import Page, expect

from tests.browser.complaints import Complaints


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
