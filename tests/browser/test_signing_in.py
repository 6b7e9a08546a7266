"""Getting in, and out again."""

from playwright.sync_api import Page, expect

from tests.browser.chat import ChatPage
from tests.browser.site import PASSWORD, USERNAME, sign_in

# As if another reader of this tab had written it.
_OF_SOMEBODY_ELSE = """() => Object.entries(sessionStorage).forEach(([key, kept]) => {
  sessionStorage.removeItem(key);
  sessionStorage.setItem(key.replace(/(?<=draft\\.)[^.]+/, "somebody"), kept);
})"""


def test_a_wrong_password_is_told_and_the_name_is_kept(stranger: Page, complaints) -> None:
    complaints.expect("401", "429")
    stranger.goto("/login/")
    stranger.get_by_label("Username").fill("nobody-here")
    stranger.get_by_label("Password").fill("not it")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert")).to_be_visible()
    expect(stranger.get_by_label("Username")).to_have_value("nobody-here")
    expect(stranger.get_by_label("Password")).to_have_value("")
    assert stranger.url.endswith("/login/")


def test_whoever_signs_in_goes_on_to_the_page_that_was_asked_for(stranger: Page) -> None:
    stranger.goto("/executions/?status=failed")
    stranger.get_by_label("Username").fill(USERNAME)
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in").click()
    stranger.wait_for_url("**/executions/?status=failed")
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Executions")


def test_signing_out_ends_the_session(stranger: Page) -> None:
    sign_in(stranger, USERNAME, PASSWORD)
    stranger.locator("summary", has_text="A").click()
    stranger.get_by_role("button", name="Sign out").click()
    stranger.wait_for_url("**/login/**")
    stranger.goto("/chat/")
    assert "/login/" in stranger.url


def test_nothing_that_was_being_written_is_left_after_signing_out(stranger: Page) -> None:
    sign_in(stranger, USERNAME, PASSWORD)
    ChatPage(stranger).ready().field.fill("For nobody else")
    stranger.locator("summary", has_text="A").click()
    stranger.get_by_role("button", name="Sign out").click()
    stranger.wait_for_url("**/login/**")
    assert "For nobody else" not in stranger.evaluate("JSON.stringify(sessionStorage)")


def test_one_can_sign_in_and_chat_without_a_mouse(stranger: Page) -> None:
    stranger.goto("/login/")
    expect(stranger.get_by_label("Username")).to_be_focused()
    stranger.keyboard.type(USERNAME)
    stranger.keyboard.press("Tab")
    stranger.keyboard.type(PASSWORD)
    stranger.keyboard.press("Enter")
    stranger.wait_for_url("**/chat/")
    chat = ChatPage(stranger).ready()
    expect(chat.field).to_be_focused()
    stranger.keyboard.type("say exactly: one")
    stranger.keyboard.press("Shift+Enter")
    stranger.keyboard.type("two")
    stranger.keyboard.press("Enter")
    expect(chat.answers).to_have_count(1)
    expect(chat.answers.locator("> .prose")).to_have_text("onetwo")
    assert chat.messages[0]["text"] == "say exactly: one\ntwo"
    # From the field, the whole way back to the steps of the answer.
    while stranger.evaluate("document.activeElement?.closest('.steps') === null"):
        assert stranger.evaluate("document.activeElement !== document.body")
        stranger.keyboard.press("Shift+Tab")
    stranger.keyboard.press("Enter")
    expect(chat.answers.locator(".timeline .step").first).to_be_visible()


def test_what_was_written_is_there_after_signing_in_again(stranger: Page, complaints) -> None:
    complaints.expect("401")
    sign_in(stranger, USERNAME, PASSWORD)
    chat = ChatPage(stranger).ready()
    chat.ask("Hello")
    where = stranger.url
    other = stranger.context.new_page()
    other.goto("/executions/")
    other.locator("summary", has_text="A").click()
    other.get_by_role("button", name="Sign out").click()
    expect(stranger.locator("#connection")).to_contain_text("Reload the page to follow again.")
    chat.field.fill("Not to be lost")
    stranger.get_by_role("button", name="Send").click()
    stranger.get_by_role("link", name="Sign in again").click()
    stranger.get_by_label("Username").fill(USERNAME)
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in").click()
    stranger.wait_for_url(where)
    expect(chat.ready().field).to_have_value("Not to be lost")
    stranger.evaluate(_OF_SOMEBODY_ELSE)
    stranger.reload()
    expect(chat.ready().field).to_have_value("")


def test_a_page_goes_on_when_the_password_is_changed_in_another_tab(stranger: Page) -> None:
    sign_in(stranger, USERNAME, PASSWORD)
    chat = ChatPage(stranger).ready()
    chat.ask("Hello")
    other = stranger.context.new_page()
    for present, new in ((PASSWORD, f"{PASSWORD}-new"), (f"{PASSWORD}-new", PASSWORD)):
        other.goto("/account/password/")
        for field in other.locator("input[type=password]").all():
            field.fill(new)
        other.locator("[name=old_password]").fill(present)
        form = other.locator("form", has=other.locator("[name=old_password]"))
        with stranger.expect_websocket():
            form.locator("button").click()
    chat.ask("say exactly: still here")
    expect(stranger.locator("#connection")).to_be_hidden()


def test_a_form_from_before_one_signed_in_again_is_told_to_have_expired(
    stranger: Page, complaints
) -> None:
    complaints.expect("403")
    sign_in(stranger, USERNAME, PASSWORD)
    stranger.goto("/account/tokens/")
    other = stranger.context.new_page()
    other.goto("/chat/")
    other.locator("summary", has_text="A").click()
    other.get_by_role("button", name="Sign out").click()
    sign_in(other, USERNAME, PASSWORD)
    stranger.get_by_label("Name").fill("from before")
    stranger.get_by_role("button", name="Create").click()
    expect(stranger.get_by_role("heading", level=1)).to_have_text("This form has expired")
    expect(stranger.get_by_text("Go back and send it again.")).to_be_visible()
    stranger.go_back()
    stranger.get_by_role("button", name="Create").click()
    expect(stranger.get_by_role("rowheader", name="from before")).to_be_visible()
