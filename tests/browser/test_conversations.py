"""The list of conversations."""

from playwright.sync_api import Route, expect

from tests.browser.chat import ChatPage


def test_a_conversation_is_renamed(chat: ChatPage) -> None:
    chat.ask("Hello")
    chat.page.get_by_role("button", name="Rename, archive or delete").click()
    chat.dialog.get_by_label("Title").fill("Harbour dues")
    chat.dialog.get_by_role("button", name="Save").click()
    expect(chat.title).to_have_text("Harbour dues")
    expect(chat.list.locator("[aria-current]")).to_contain_text("Harbour dues")
    assert chat.get(f"conversations/{chat.conversation}/")["title"] == "Harbour dues"
    assert chat.page.title() == "Harbour dues · Chatter"


def test_a_long_title_leaves_the_button_beside_it_whole(chat: ChatPage) -> None:
    chat.ask("Hello")
    button = chat.page.get_by_role("button", name="Rename, archive or delete")
    before = button.bounding_box()
    title = "N" * 190
    chat.post(f"conversations/{chat.conversation}/", {"title": title}, method="PATCH")
    chat.page.reload()
    expect(chat.ready().title).to_have_text(title)
    after = button.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == before["width"]


def test_an_archived_conversation_leaves_the_list_and_comes_back(chat: ChatPage) -> None:
    chat.ask("Hello")
    row = chat.list.locator(f"[data-id='{chat.conversation}']")
    where = chat.page.url
    chat.page.get_by_role("button", name="Rename, archive or delete").click()
    chat.dialog.get_by_role("button", name="Archive").click()
    chat.page.wait_for_url("**/chat/")
    chat.ready()
    expect(row).to_have_count(0)
    chat.list.get_by_role("button", name="Archived").click()
    expect(row).to_have_count(1)
    row.get_by_role("link").click()
    chat.page.wait_for_url(where)
    chat.ready().page.get_by_role("button", name="Rename, archive or delete").click()
    chat.dialog.get_by_role("button", name="Back to the list").click()
    chat.page.wait_for_url("**/chat/")
    expect(chat.ready().list.locator(f"a[href='{where[where.index('/chat/') :]}']")).to_be_visible()


def test_the_archive_lists_nothing_that_is_not_in_it(chat: ChatPage) -> None:
    chat.ask("Hello")
    chat.list.get_by_role("button", name="Archived").click()
    row = chat.list.locator(f"[data-id='{chat.conversation}']")
    expect(row).to_have_count(0)
    with chat.page.expect_response(f"**/api/v1/conversations/{chat.conversation}/"):
        chat.ask("Hello again")
    expect(chat.totals).to_contain_text("47")
    expect(row).to_have_count(0)


def test_older_adds_nothing_to_another_list_that_is_on_its_way(chat: ChatPage) -> None:
    for at in range(52):
        chat.post("conversations/", {"title": f"In the list {at}"})
    archived = chat.list.get_by_role("button", name="Archived")
    archived.click()
    archived.click()
    rows = chat.list.locator("[data-id]")
    expect(rows).to_have_count(50)
    held: list[Route] = []
    chat.page.route("**/conversations/?archived=true", lambda route: held.append(route))
    archived.click()
    chat.list.get_by_role("link", name="Older").click()
    while not held:
        chat.page.wait_for_timeout(50)
    held[0].continue_()
    expect(chat.list.get_by_text("In the list")).to_have_count(0)


def test_an_empty_archive_says_so(chat: ChatPage) -> None:
    while archived := chat.get("conversations/?archived=true")["results"]:
        for one in archived:
            chat.delete(f"conversations/{one['id']}/")
    chat.ask("Hello")
    show = chat.list.get_by_role("button", name="Archived")
    show.click()
    expect(chat.list.get_by_text("No conversation is archived.")).to_be_visible()
    show.click()
    expect(chat.list.locator("[aria-current]")).to_be_visible()


def test_a_list_that_cannot_be_had_is_not_said_to_be_shown(chat: ChatPage, complaints) -> None:
    complaints.expect("ERR_INTERNET_DISCONNECTED")
    chat.ask("Hello")
    archived = chat.list.get_by_role("button", name="Archived")
    chat.page.context.set_offline(True)
    archived.click()
    expect(chat.page.get_by_text("could not be reached")).to_be_visible()
    expect(archived).to_have_attribute("aria-pressed", "false")
    chat.page.context.set_offline(False)
    archived.click()
    expect(chat.list.locator("[aria-current]")).to_have_count(0)
    expect(archived).to_have_attribute("aria-pressed", "true")


def test_a_double_click_on_older_lists_each_conversation_once(chat: ChatPage) -> None:
    for at in range(52):
        made = chat.post("conversations/", {"title": f"Long ago {at}"})
        chat.post(f"conversations/{made['id']}/", {"archived": True}, method="PATCH")
    chat.list.get_by_role("button", name="Archived").click()
    older = chat.list.get_by_role("link", name="Older")
    rows = chat.list.locator("[data-id]")
    expect(rows.filter(has_text="Long ago 51")).to_be_visible()  # the list before may have 50, too
    expect(rows).to_have_count(50)
    older.dblclick()
    expect(older).to_be_hidden()
    chat.page.wait_for_load_state("networkidle")
    listed = [row.get_attribute("data-id") for row in rows.all()]
    assert len(listed) == len(set(listed)) >= 52


def test_a_conversation_is_deleted_after_a_second_thought(chat: ChatPage, complaints) -> None:
    chat.ask("Hello")
    conversation = chat.conversation
    chat.page.get_by_role("button", name="Rename, archive or delete").click()
    chat.dialog.get_by_role("button", name="Delete").dblclick()
    assert chat.get(f"conversations/{conversation}/")["id"] == conversation
    expect(chat.dialog).to_be_visible()
    chat.dialog.get_by_role("button", name="Delete for good").click()
    chat.page.wait_for_url("**/chat/")
    expect(chat.ready().list.locator(f"[data-id='{conversation}']")).to_have_count(0)
    complaints.expect("404")
    assert chat.page.goto(f"/chat/{conversation}/").status == 404
    expect(chat.title).to_have_text("Not here")


def test_the_list_leads_to_each_conversation(chat: ChatPage) -> None:
    chat.ask("say exactly: the first")
    first = chat.conversation
    chat.page.get_by_role("link", name="New chat").click()
    chat.page.wait_for_url("**/chat/")
    chat.ready().ask("say exactly: the second")
    chat.list.locator(f"[data-id='{first}']").get_by_role("link").click()
    chat.page.wait_for_url(f"**/chat/{first}/")
    expect(chat.answers.locator("> .prose")).to_have_text("the first")
