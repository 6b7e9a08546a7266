"""The page of a run."""

import re

from playwright.sync_api import Page, expect

from tests.browser.chat import NO_ANSWER, ChatPage, execution_of, over, partial_text
from tests.browser.complaints import Complaints
from tests.browser.site import PASSWORD, USERNAME, sign_in
from tests.definitions.graphs import asks, graph, waits

_SOON_MS = 25_000  # a socket is given up after 30 s
_IS_WIDE = """(selector) => {
  const box = document.querySelector(selector)?.getBoundingClientRect();
  return box?.width > box?.height;
}"""


def test_a_run_is_watched_live_from_its_page(chat: ChatPage) -> None:
    answer = chat.say("say 24 words slowly")
    partial_text(answer)
    run = _page_of(chat)
    expect(run.locator("#status")).to_have_text("running")
    expect(run.locator(".step.call[data-status=open]")).to_be_visible()
    run.wait_for_function("document.getElementById('output').innerText.split(/\\s+/).length >= 3")
    expect(run.locator("#status")).to_have_text("completed")
    expect(run.locator("#timeline .step.node")).to_have_count(4)
    expect(run.locator("#timeline .step[data-status=running]")).to_have_count(0)
    message = chat.messages[1]
    expect(run.locator("#output")).to_have_text(message["text"])
    expect(run.locator("[data-tile=completion]")).to_have_text("24")
    expect(run.locator("[data-tile=cost]")).to_have_text("$0.00")
    expect(run.locator("#calls tr")).to_have_count(1)
    events = chat.log(message["execution"])
    expect(run.locator("#log-count")).to_have_text(f"{len(events)} events")
    expect(run.locator("#log > li")).to_have_count(len(events))


def test_the_page_of_a_run_that_waits_its_turn_tells_when_it_started(chat: ChatPage) -> None:
    chat.say("say 15 words slowly")
    waiting = execution_of(chat.say("say exactly: after you"))
    run = chat.page.context.new_page()
    run.goto(f"/executions/{waiting}/")
    started = run.locator("[data-tile=started]")
    expect(started).to_have_text("not yet")
    expect(run.locator("#status")).to_have_text("completed")
    expect(started).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))


def test_a_run_is_cancelled_from_its_page(chat: ChatPage) -> None:
    partial_text(chat.say("say 300 words slowly"))
    run = _page_of(chat)
    run.get_by_role("button", name="Cancel").press("Enter")
    expect(run.locator("#status")).to_have_text("cancelled")
    expect(run.locator("#main")).to_be_focused()
    expect(run.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(run.get_by_role("button", name="Retry")).to_be_visible()
    expect(chat.answers.first.locator(".notice:not([hidden])")).to_contain_text("Stopped")
    execution = run.url.rstrip("/").rsplit("/", 1)[-1]
    assert chat.get(f"executions/{execution}/")["status"] == "cancelled"


def test_a_run_can_be_cancelled_once_the_server_can_be_reached_again(
    chat: ChatPage, complaints: Complaints
) -> None:
    complaints.expect("ERR_INTERNET_DISCONNECTED")
    first = chat.say("say 300 words slowly")
    chat.say("say exactly: after you")
    run = chat.page.context.new_page()
    run.goto(f"/executions/{execution_of(chat.answers.nth(1))}/")
    expect(run.locator("#log > li").first).to_be_visible()
    run.context.set_offline(True)
    cancel = run.get_by_role("button", name="Cancel")
    cancel.click()
    expect(run.locator("#toasts")).to_contain_text("could not be reached")
    run.context.set_offline(False)
    cancel.click()
    expect(run.locator("#status")).to_have_text("cancelled")
    chat.stop.click()
    over(first)


def test_a_run_is_watched_where_no_socket_can_be_had(chat: ChatPage) -> None:
    run = chat.page.context.new_page()
    run.route_web_socket("**/ws/**", lambda socket: socket.close())
    body = {"graph": graph(waits(4), asks()), "input": {"message": "Hi"}, "mode": "background"}
    run.goto(f"/executions/{chat.post('workflows/execute/', body)['execution']['id']}/")
    expect(run.locator("#log > li").first).to_be_visible()
    expect(run.locator("#status")).to_have_text("running")
    expect(run.locator("#status")).to_have_text("completed")
    expect(run.locator("#log > li[data-type='execution.completed']")).to_have_count(1)


def test_a_run_is_watched_where_a_socket_gets_no_answer(chat: ChatPage) -> None:
    run = chat.page.context.new_page()
    run.add_init_script(NO_ANSWER)
    body = {"graph": graph(waits(4), asks()), "input": {"message": "Hi"}, "mode": "background"}
    run.goto(f"/executions/{chat.post('workflows/execute/', body)['execution']['id']}/")
    expect(run.locator("#status")).to_have_text("completed", timeout=_SOON_MS)
    expect(run.locator("#log > li[data-type='execution.completed']")).to_have_count(1)


def test_the_page_of_a_run_says_when_it_is_told_nothing_any_more(stranger: Page) -> None:
    sign_in(stranger, USERNAME, PASSWORD)
    chat = ChatPage(stranger).ready()
    run = stranger.context.new_page()
    body = {"graph": graph(waits(60), asks()), "input": {"message": "Hi"}, "mode": "background"}
    execution = chat.post("workflows/execute/", body)["execution"]["id"]
    run.goto(f"/executions/{execution}/")
    note = run.locator("#connection")
    expect(run.locator("#status")).to_have_text("running")
    expect(note).to_be_hidden()
    stranger.locator("summary", has_text="A").click()
    stranger.get_by_role("button", name="Sign out").click()
    expect(note).to_contain_text("Reload the page to follow again.")
    sign_in(stranger, USERNAME, PASSWORD)
    chat.post(f"executions/{execution}/cancel/")


def test_what_a_run_waits_for_people_is_no_part_of_its_duration_while_it_waits_either(
    chat: ChatPage,
) -> None:
    ask = {"id": "ask", "type": "approval", "config": {"question": "Go on?"}}
    edges = ["start>ask", "ask.approved>end", "ask.rejected>end"]
    body = {"graph": graph(ask, edges=edges), "input": {}, "mode": "background"}
    chat.page.goto(f"/executions/{chat.post('workflows/execute/', body)['execution']['id']}/")
    expect(chat.page.locator("#log > li[data-type='execution.waiting']")).to_be_visible()
    lasted = chat.page.locator("[data-tile=duration]")
    expect(lasted).not_to_have_text("–")
    chat.page.wait_for_timeout(500)  # until it is drawn
    told = lasted.inner_text()
    chat.page.wait_for_timeout(1_500)
    expect(lasted).to_have_text(told)
    chat.page.get_by_role("link", name="Decide").click()
    chat.page.get_by_role("button", name="Approve").click()
    chat.page.locator(".notice").get_by_role("link", name="the run").click()
    expect(chat.page.locator("#status")).to_have_text("completed")


def test_a_long_word_in_a_question_leaves_the_way_to_its_answer_readable(chat: ChatPage) -> None:
    ask = {"id": "ask", "type": "approval", "config": {"question": "w" * 300}}
    edges = ["start>ask", "ask.approved>end", "ask.rejected>end"]
    body = {"graph": graph(ask, edges=edges), "input": {}, "mode": "background"}
    chat.page.goto(f"/executions/{chat.post('workflows/execute/', body)['execution']['id']}/")
    decide = chat.page.get_by_role("link", name="Decide")
    expect(decide).to_be_visible()
    # The page draws it anew while events come.
    chat.page.wait_for_function(_IS_WIDE, arg="a[href*='/approvals/?approval=']")


def test_all_that_a_run_was_given_stands_on_its_page(chat: ChatPage) -> None:
    given = {"message": "Hi", "city": "Rome"}
    for value, shown in ((given, '"city": "Rome"'), ({"message": "Hi"}, "Hi"), ({}, "Nothing yet")):
        body = {"graph": graph(waits(0)), "input": value, "mode": "wait"}
        run = chat.post("workflows/execute/", body)["execution"]["id"]
        chat.page.goto(f"/executions/{run}/")
        expect(chat.page.locator("#input")).to_contain_text(shown)
        expect(chat.page.locator("#log > li").first).to_be_visible()


def test_a_failed_run_tells_why_and_is_retried_from_its_page(chat: ChatPage) -> None:
    chat.ask("please fail")
    run = _page_of(chat)
    expect(run.locator("#status")).to_have_text("failed")
    expect(run.get_by_role("alert")).to_contain_text("asked to fail")
    expect(run.locator("#timeline .step.call[data-status=failed]")).to_be_visible()
    failed = run.url
    run.get_by_role("button", name="Retry").click()
    run.wait_for_url(lambda url: url != failed)
    expect(run.get_by_role("link", name="retry of an earlier run")).to_be_visible()


def test_a_double_click_on_retry_is_one_retry(chat: ChatPage) -> None:
    body = {"graph": graph(asks()), "input": {"message": "please fail"}, "mode": "background"}
    failed = chat.post("workflows/execute/", body)["execution"]["id"]
    run = chat.page
    run.goto(f"/executions/{failed}/")
    run.get_by_role("button", name="Retry").dblclick()
    run.wait_for_url(lambda url: failed not in url)
    expect(run.locator("#status")).to_have_text("failed")
    assert [one["source"] for one in chat.get("executions/")["results"]].count(failed) == 1


def test_a_run_of_many_calls_is_shown_by_pages_and_asked_for_one_at_a_time(chat: ChatPage) -> None:
    run = chat.page.context.new_page()
    asked = _asked_for_calls(run)
    run.goto(f"/executions/{_loop(chat, rounds=55)}/")
    expect(run.locator("#status")).to_have_text("completed")
    expect(run.locator("#calls tr")).to_have_count(50)
    while asked[-1] == "begun":
        run.wait_for_event("requestfinished")
    assert asked == ["begun", "ended"] * (len(asked) // 2)
    run.get_by_role("link", name="Earlier calls").click()
    expect(run.locator("#calls tr")).to_have_count(5)
    run.get_by_role("link", name="Later calls").click()
    expect(run.locator("#calls tr")).to_have_count(50)
    asked.clear()
    run.reload()
    expect(run.locator("#log > li[data-type='execution.completed']")).to_be_visible()
    run.wait_for_load_state("networkidle")
    assert asked == []


def test_the_log_can_be_sifted(chat: ChatPage) -> None:
    chat.ask("say exactly: sift me")
    run = _page_of(chat)
    pieces = run.locator("#log > li[data-type='text.delta']")
    expect(run.locator("#log > li[data-type='execution.completed']")).to_be_visible()
    expect(pieces.first).to_be_hidden()
    run.get_by_label("text pieces").check()
    expect(pieces.first).to_be_visible()
    run.get_by_label("Filter events").fill("node.started memory")
    expect(run.locator("#log > li:visible")).to_have_count(1)


def test_runs_are_listed_with_what_they_used(chat: ChatPage) -> None:
    chat.ask("say exactly: list me")
    answer = chat.messages[1]
    chat.page.goto("/executions/")
    row = chat.page.locator("tbody tr").filter(
        has=chat.page.locator(f"a[href='/executions/{answer['execution']}/']")
    )
    expect(row).to_contain_text("Universal chat")
    expect(row.locator(".status")).to_have_text("completed")
    expect(row.locator("[data-tokens]")).to_have_text(str(answer["total_tokens"]))
    expect(row.locator("[data-cost]")).to_have_text("$0.00")


def _page_of(chat: ChatPage) -> Page:
    """The page of the conversation's first run, in another tab."""
    execution = execution_of(chat.answers.first)
    run = chat.page.context.new_page()
    run.goto(f"/executions/{execution}/")
    return run


def _asked_for_calls(run: Page) -> list[str]:
    """How requests for its calls begin and end, from now on."""
    told: list[str] = []
    for event, word in (("request", "begun"), ("requestfinished", "ended")):
        run.on(event, lambda one, word=word: "model-calls/" in one.url and told.append(word))
    return told


def _loop(chat: ChatPage, *, rounds: int) -> str:
    """Start a run that asks the demo model for a word in each of so many rounds."""
    looped = [
        {"id": "loop", "type": "loop", "config": {"max_iterations": rounds}},
        asks(max_tokens=1),
    ]
    edges = ["start>loop", "loop.continue>model", "model>loop", "loop.done>end"]
    body = {"graph": graph(*looped, edges=edges), "mode": "background"}
    token = next(one["value"] for one in chat.page.context.cookies() if one["name"] == "csrftoken")
    answer = chat.page.request.post(
        "/api/v1/workflows/execute/",
        data={**body, "input": {"message": "Hello"}},
        headers={"X-CSRFToken": token, "Referer": chat.page.url},
    )
    assert answer.status == 202, answer.text()
    return str(answer.json()["execution"]["id"])
