"""A conversation: the answer streams in, survives a reload, can be stopped and retried."""

import re

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.chat import NO_ANSWER, ChatPage, over, partial_text, prose
from tests.browser.site import UNPRICED
from tests.definitions.graphs import graph

# How many lines the text of each cell has.
_LINES = """(cells) => cells.map((cell) => {
  const text = document.createRange();
  text.selectNodeContents(cell);
  return text.getClientRects().length;
})"""
# How often a long code block is coloured.
_COUNTS_COLOURED = """() => {
  window.coloured = 0;
  const isLong = ({ target }) => target.matches("pre > code") && target.textContent.length > 5_000;
  new MutationObserver((changes) => (window.coloured += changes.filter(isLong).length)).observe(
    document.getElementById("messages"), { childList: true, subtree: true });
}"""
# Of a composition that this very key ends, Safari says that it is over already.
_ENTERS_AS_SAFARI = """(field) => {
  const enter = { key: "Enter", keyCode: 229, bubbles: true, cancelable: true };
  field.dispatchEvent(new KeyboardEvent("keydown", enter));
}"""


def test_the_steps_and_the_text_stream_in(chat: ChatPage) -> None:
    answer = chat.say("say 16 words slowly")
    expect(answer.locator(".chip").filter(has_text="Model")).to_be_visible()
    so_far = partial_text(answer)
    over(answer)
    whole = prose(answer)
    assert whole.startswith(so_far.strip())
    assert len(so_far.split()) < len(whole.split()) == 16
    answer.locator(".steps summary").click()
    steps = answer.locator(".timeline .step.node .name")
    expect(steps).to_have_text(["Start", "Memory", "Model", "End"])
    expect(answer.locator(".timeline .step.call")).to_have_count(1)


def test_a_model_calls_tools_when_they_are_switched_on(chat: ChatPage) -> None:
    question = 'use the tool calculator {"expression": "2 * (3 + 4)"}'
    expect(chat.page.get_by_label("Tools")).not_to_be_checked()
    expect(chat.ask(question).locator(".prose").last).not_to_contain_text("The tool answered")
    chat.page.get_by_label("Tools").check()
    answer = chat.ask(question)
    expect(answer.locator(":scope > .prose")).to_have_text("The tool answered: 14")
    answer.locator(".steps summary").click()
    expect(answer.locator(".timeline .step.tool .name")).to_have_text("calculator")
    expect(answer.locator(".timeline .step.tool .note")).to_contain_text("14")


def test_an_answer_ends_with_its_receipt(chat: ChatPage) -> None:
    answer = chat.ask("What do tokens cost?")
    message = chat.messages[1]
    expect(answer.locator(".tag")).to_have_text("demo")
    expect(answer.locator(".who .model")).to_have_text("demo:chatter-demo")
    figures = answer.locator(".figures")
    expect(figures).to_contain_text(f"{message['prompt_tokens']} in")
    expect(figures).to_contain_text(f"{message['completion_tokens']} out")
    expect(figures).to_contain_text("$0.00")
    expect(figures).to_contain_text(re.compile(r"\d ms|\d s"))


def test_the_header_sums_the_conversation(chat: ChatPage) -> None:
    chat.ask("Hello")
    chat.ask("What do tokens cost?")
    whole = chat.get(f"conversations/{chat.conversation}/")
    answers = [one for one in chat.messages if one["role"] == "assistant"]
    assert whole["prompt_tokens"] == sum(one["prompt_tokens"] for one in answers)
    expect(chat.totals).to_contain_text(f"in{whole['prompt_tokens']}")
    expect(chat.totals).to_contain_text(f"out{whole['completion_tokens']}")
    expect(chat.totals).to_contain_text("cost$0.00")
    chat.page.reload()
    expect(chat.ready().totals).to_contain_text(f"in{whole['prompt_tokens']}")


def test_reasoning_can_be_read_and_is_counted(chat: ChatPage) -> None:
    answer = chat.ask("think about the weather")
    answer.get_by_text("Reasoning").click()
    expect(answer.locator(".thinking .prose")).to_contain_text("I look at both sides")
    call = chat.get(f"model-calls/?execution={chat.messages[1]['execution']}")["results"][0]
    assert call["usage"]["reasoning"] > 0


def test_steps_that_could_not_be_read_are_shown_once_they_can(chat: ChatPage, complaints) -> None:
    complaints.expect("ERR_INTERNET_DISCONNECTED")
    answer = chat.ask("Hello")
    chat.page.reload()
    chat.ready()
    steps, note = answer.locator(".steps summary"), answer.get_by_text("could not be reached")
    chat.page.context.set_offline(True)
    steps.click()
    expect(note).to_be_visible()
    chat.page.context.set_offline(False)
    steps.click()
    steps.click()
    expect(answer.locator(".timeline .step").first).to_be_visible()
    expect(note).to_be_hidden()


def test_a_reload_in_the_middle_loses_nothing(chat: ChatPage) -> None:
    so_far = partial_text(chat.say("say 30 words slowly"))
    chat.page.reload()
    chat.ready()
    expect(chat.answers).to_have_count(1)
    again = partial_text(chat.answers.first)
    assert again.startswith(so_far.strip())
    over(chat.answers.first)
    question, answer = chat.messages
    assert prose(chat.answers.first) == answer["text"]
    assert len(answer["text"].split()) == 30
    expect(chat.questions).to_have_count(1)
    expect(chat.questions.locator(".body")).to_have_text(question["text"])
    events = chat.log(answer["execution"])
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "execution.completed"


def test_stop_stops_and_keeps_what_had_arrived(chat: ChatPage) -> None:
    answer = chat.say("say 300 words slowly")
    so_far = partial_text(answer)
    chat.stop.click()
    over(answer)
    expect(answer.locator(".notice:not([hidden])")).to_contain_text(
        "Stopped; this is what had arrived."
    )
    expect(chat.stop).to_be_hidden()
    message = chat.messages[1]
    assert message["status"] == "cancelled"
    assert message["text"].startswith(so_far.strip())
    assert prose(answer) == message["text"].strip()
    assert chat.get(f"executions/{message['execution']}/")["status"] == "cancelled"
    chat.page.reload()
    chat.ready()
    expect(chat.answers.first.locator(".notice:not([hidden])")).to_contain_text("Stopped")
    assert prose(chat.answers.first) == message["text"].strip()


def test_focus_is_not_lost_with_the_button_that_was_pressed(chat: ChatPage) -> None:
    answer = chat.say("say 300 words slowly")
    partial_text(answer)
    chat.stop.press("Enter")
    over(answer)
    expect(chat.field).to_be_focused()
    answer.get_by_role("button", name="Retry").press("Enter")
    expect(chat.answers).to_have_count(2)
    expect(chat.field).to_be_focused()
    later = chat.say("say exactly: rated")
    later.get_by_role("button", name="Withdraw").press("Enter")
    over(later)
    expect(chat.field).to_be_focused()
    chat.stop.click()
    rated = chat.ask("say exactly: rated")
    helped = rated.get_by_role("button", name="This helped")
    helped.press("Enter")
    why = rated.get_by_label("Why?")
    expect(why).to_be_focused()
    why.press("Enter")
    expect(helped).to_be_focused()


def test_focus_stays_in_the_list_while_an_answer_ends(chat: ChatPage) -> None:
    chat.ask("Hello")
    chat.say("say 12 words slowly")
    listed = chat.list.locator("[aria-current]")
    listed.focus()
    chat.post(f"conversations/{chat.conversation}/", {"title": "Goodbye"}, "PATCH")
    over(chat.answers.last)
    expect(listed).to_contain_text("Goodbye")
    expect(listed).to_be_focused()


def test_focus_is_not_lost_on_the_way_back_to_the_newest_text(chat: ChatPage) -> None:
    chat.page.set_viewport_size({"width": 900, "height": 500})
    chat.ask("say 400 words")
    messages = chat.page.get_by_role("region", name="Messages")
    messages.evaluate("(one) => (one.scrollTop = 0)")
    chat.page.get_by_role("button", name="Newest").press("Enter")
    expect(messages).to_be_focused()


def test_the_enter_that_ends_a_composition_sends_nothing(chat: ChatPage) -> None:
    chat.field.fill("にほん")
    chat.field.evaluate(_ENTERS_AS_SAFARI)
    expect(chat.field).to_have_value("にほん")
    expect(chat.questions).to_have_count(0)
    chat.field.press("Enter")
    expect(chat.questions).to_have_count(1)


def test_a_table_is_read_by_whole_words_on_a_phone(phone: Page) -> None:
    chat = ChatPage(phone).open()
    head = "| Product | Quantity | Availability | Price | Supplier | Remarks |"
    answer = chat.ask(
        f"say exactly: {head}\n|---|--:|:-:|---|---|---|\n"
        "| Lamp | 12 | immediately | $3.50 | Manufacturers | none |\n"
        f"| {'endless' * 40} | | | | | |"
    )
    lines = answer.locator("th, tr:first-child > td").evaluate_all(_LINES)
    assert lines == [1] * 12
    wide = answer.locator("table").evaluate("(one) => one.offsetWidth")
    assert wide < phone.viewport_size["width"] * 2
    columns = answer.locator("tr:first-child > td")
    expect(columns.nth(0)).to_have_css("text-align", "start")
    expect(columns.nth(1)).to_have_css("text-align", re.compile("right"))
    expect(columns.nth(2)).to_have_css("text-align", re.compile("center"))


def test_a_failed_run_says_so_and_can_be_retried_in_its_turn(chat: ChatPage) -> None:
    failed = chat.ask("please fail")
    expect(failed.locator(".notice:not([hidden])")).to_contain_text("asked to fail")
    failed.get_by_role("button", name="Retry").click()
    expect(chat.answers).to_have_count(2)
    over(chat.answers.nth(1))
    expect(chat.questions).to_have_count(1)
    first, _, again = chat.messages
    assert first["turn"] == again["turn"]
    assert chat.get(f"executions/{again['execution']}/")["retry_of"] is not None
    for _ in range(2):
        retries = [one.get_by_role("button", name="Retry") for one in chat.answers.all()]
        expect(retries[0]).to_be_hidden()
        expect(retries[1]).to_be_visible()
        chat.page.reload()
        chat.ready()


def test_a_stopped_answer_is_given_by_a_retry(chat: ChatPage) -> None:
    answer = chat.say("say 12 words slowly")
    partial_text(answer)
    chat.stop.click()
    over(answer)
    answer.get_by_role("button", name="Retry").click()
    expect(chat.answers).to_have_count(2)
    again = over(chat.answers.nth(1))
    assert len(prose(again).split()) == 12
    texts = [one["text"].strip() for one in chat.messages]
    chat.page.reload()
    chat.ready()
    expect(chat.answers).to_have_count(2)
    assert [prose(one) for one in chat.answers.all()] == texts[1:]


def test_a_second_message_waits_its_turn(chat: ChatPage) -> None:
    first = chat.say("say 15 words slowly")
    partial_text(first)
    second = chat.say("say exactly: after you")
    expect(second).to_contain_text("Waits for the answer above")
    over(first)
    over(second)
    expect(second.locator("> .prose")).to_have_text("after you")
    messages = chat.messages
    assert [one["role"] for one in messages] == ["user", "assistant"] * 2
    assert [one["turn"] for one in messages] == [1, 1, 2, 2]
    started = [chat.log(one["execution"])[1]["at"] for one in messages[1::2]]
    assert chat.log(messages[1]["execution"])[-1]["at"] <= started[1]


def test_a_waiting_message_can_be_withdrawn(chat: ChatPage) -> None:
    first = chat.say("say 15 words slowly")
    partial_text(first)
    second = chat.say("say exactly: never mind")
    second.get_by_role("button", name="Withdraw").click()
    over(second)
    expect(second.locator(".notice:not([hidden])")).to_contain_text("Stopped before an answer.")
    over(first)
    assert len(prose(first).split()) == 15
    answers = chat.messages[1::2]
    assert {one["turn"]: one["status"] for one in answers} == {1: "complete", 2: "cancelled"}


def test_of_a_new_chat_two_messages_sent_at_once_are_one_conversation(chat: ChatPage) -> None:
    held: list[Route] = []
    chat.page.route("**/api/v1/chat/", lambda route: held.append(route), times=1)
    for text in ("one", "two"):
        chat.field.fill(f"say exactly: {text}")
        chat.page.get_by_role("button", name="Send").click()
    expect(chat.questions).to_have_count(2)
    chat.page.wait_for_timeout(1_000)
    held[0].continue_()
    expect(chat.answers).to_have_count(2)
    assert [prose(over(one)) for one in chat.answers.all()] == ["one", "two"]
    assert [one["text"] for one in chat.messages[1::2]] == ["one", "two"]


def test_where_no_model_is_chosen_the_default_is_named_and_none_is_sent(chat: ChatPage) -> None:
    model = chat.page.get_by_label("Model")
    expect(model).to_have_value("")
    expect(model.locator("option").first).to_have_text("Default · chatter-demo")
    chat.ask("Hello")
    kept = chat.get(f"executions/{chat.messages[1]['execution']}/")
    assert (kept["template"], kept["parameters"]["model"]) == ("universal_chat", "")


def test_another_workflow_answers_and_is_named(chat: ChatPage) -> None:
    plain = chat.ask("Hello")
    expect(plain.locator(".who .workflow")).to_be_hidden()
    chat.page.get_by_label("Answered by").select_option(label="Code assistant")
    answer = chat.ask("say exactly: print(1)")
    expect(answer.locator(".who .workflow")).to_have_text("Code assistant")
    kept = chat.get(f"executions/{chat.messages[3]['execution']}/")
    assert kept["template"] == "code_assistant"
    chat.page.reload()
    expect(chat.ready().answers.nth(1).locator(".who .workflow")).to_have_text("Code assistant")
    expect(chat.answers.nth(0).locator(".who .workflow")).to_be_hidden()
    chosen = chat.page.get_by_label("Answered by")
    expect(chosen.locator("option:checked")).to_have_text("Code assistant")
    chosen.select_option("")
    chat.ask("Hello again")
    assert chat.get(f"executions/{chat.messages[5]['execution']}/")["template"] == "universal_chat"


def test_of_a_workflow_only_what_it_takes_can_be_chosen(chat: ChatPage) -> None:
    say = {"id": "say", "type": "prompt", "config": {"template": "Drawn by hand"}}
    chat.post("definitions/", {"name": "By hand", "graph": graph(say)})
    chat.page.get_by_label("Model").select_option(UNPRICED)
    chat.page.reload()
    chosen = chat.ready().page.get_by_label("Answered by")
    chosen.select_option(label="By hand")
    expect(chat.page.get_by_label("Model")).to_be_hidden()
    expect(chat.page.get_by_label("Tools")).to_be_disabled()
    answer = chat.ask("Hello")
    expect(answer.locator("> .prose")).to_have_text("Drawn by hand")
    expect(answer.locator(".who .workflow")).to_have_text("By hand")
    kept = chat.get(f"executions/{chat.messages[1]['execution']}/")
    assert kept["parameters"] == {}
    chosen.select_option(label="Code assistant")
    expect(chat.page.get_by_label("Model")).to_have_value(UNPRICED)


def test_an_answer_without_a_word_says_that_it_is_empty(chat: ChatPage) -> None:
    says_nothing = {"id": "say", "type": "prompt", "config": {"template": "{{ '' }}"}}
    chat.post("definitions/", {"name": "Says nothing", "graph": graph(says_nothing)})
    chat.page.reload()
    chat.ready().page.get_by_label("Answered by").select_option(label="Says nothing")
    expect(chat.ask("Hello").get_by_text("The answer is empty.")).to_be_visible()
    chat.page.reload()
    expect(chat.ready().answers.get_by_text("The answer is empty.")).to_be_visible()


def test_another_model_can_be_chosen(chat: ChatPage) -> None:
    chat.page.get_by_label("Model").select_option(UNPRICED)
    answer = chat.ask("Hello")
    expect(answer.locator(".who .model")).to_have_text(UNPRICED)
    expect(answer.locator(".figures")).to_contain_text("no price")
    assert chat.messages[1]["cost"] is None
    chat.page.reload()
    expect(chat.ready().page.get_by_label("Model")).to_have_value(UNPRICED)


def test_earlier_messages_have_a_page_of_their_own(chat: ChatPage) -> None:
    for text in ("one", "two", "three"):
        chat.ask(f"say exactly: {text}")
    conversation = chat.conversation
    chat.page.goto(f"/chat/{conversation}/?before_turn=3")
    expect(chat.ready().answers).to_have_count(2)
    assert [prose(one) for one in chat.answers.all()] == ["one", "two"]
    other = ChatPage(chat.page.context.new_page()).open(conversation)
    other.ask("say exactly: four")
    chat.page.wait_for_timeout(1_000)
    expect(chat.answers).to_have_count(2)
    chat.page.get_by_role("link", name="To the newest messages").click()
    expect(chat.ready().answers).to_have_count(4)


def test_what_is_said_beside_earlier_messages_stands_behind_the_newest(chat: ChatPage) -> None:
    for text in ("one", "two", "three"):
        chat.ask(f"say exactly: {text}")
    where = chat.page.url
    chat.page.goto(f"{where}?before_turn=2")
    chat.ready().field.fill("say exactly: four")
    chat.field.press("Enter")
    chat.page.wait_for_url(where)
    expect(chat.ready().answers).to_have_count(4)
    assert [prose(over(one)) for one in chat.answers.all()] == ["one", "two", "three", "four"]
    expect(chat.field).to_have_value("")


def test_two_windows_show_the_same_answer(chat: ChatPage) -> None:
    chat.ask("Hello")
    other = ChatPage(chat.page.context.new_page()).open(chat.conversation)
    chat.ask("say exactly: seen by both")
    expect(other.answers).to_have_count(2)
    over(other.answers.nth(1))
    expect(other.answers.nth(1).locator("> .prose")).to_have_text("seen by both")
    expect(other.questions.nth(1).locator(".body")).to_have_text("say exactly: seen by both")


def test_an_answer_that_came_while_the_page_was_loading_is_shown(chat: ChatPage) -> None:
    chat.ask("Hello")
    other = ChatPage(chat.page.context.new_page())

    def held(script: Route) -> None:
        chat.ask("say exactly: meanwhile")
        script.continue_()

    other.page.route("**/js/chat/page.js", held, times=1)
    other.open(chat.conversation)
    expect(other.answers).to_have_count(2)
    expect(over(other.answers.nth(1)).locator("> .prose")).to_have_text("meanwhile")
    expect(other.questions.locator(".body")).to_have_text(["Hello", "say exactly: meanwhile"])


def test_a_deleted_turn_does_not_come_back_with_a_reload(chat: ChatPage) -> None:
    chat.ask("Hello")
    chat.ask("say exactly: to be forgotten")
    for message in chat.messages[2:]:
        chat.delete(f"conversations/{chat.conversation}/messages/{message['id']}/")
    chat.page.reload()
    expect(chat.ready().answers).to_have_count(1)
    chat.page.wait_for_timeout(1_000)  # until what is told of the conversation has come
    expect(chat.answers).to_have_count(1)
    expect(chat.questions).to_have_count(1)


def test_hostile_text_is_shown_and_does_nothing(chat: ChatPage) -> None:
    hostile = "\n\n".join(
        (
            "**kept**",
            "<script>window.harmed = 1</script> <style>body { display: none }</style>",
            "text <img src=x onerror='window.harmed = 2'> and <iframe src='/admin/'></iframe>",
            "[a link](javascript:window.harmed=3) <a href='javascript:window.harmed=4'>b</a>",
            "![a picture](https://elsewhere.example/pixel.png)",
            "<svg onload='window.harmed = 5'><a href='javascript:window.harmed=6'>c</a></svg>",
            "``` \"><img src=x onerror='window.harmed = 7'>\ncode\n```",
        )
    )
    answer = chat.ask(f"say exactly: {hostile}")
    expect(answer.locator("> .prose strong")).to_have_text("kept")
    expect(answer.locator("> .prose")).to_contain_text("<script>window.harmed = 1</script>")
    chat.page.reload()
    chat.ready()
    for message in (chat.answers.first, chat.questions.first):
        expect(message).to_contain_text("<iframe")
        assert message.locator("script, img, style, iframe, [onclick], [onerror]").count() == 0
        assert message.locator("[href^='javascript:' i]").count() == 0
    chat.answers.first.get_by_text("a link").click()
    assert chat.page.evaluate("window.harmed") is None


def test_an_answer_that_nests_too_deep_is_shown_as_it_was_written(chat: ChatPage) -> None:
    deep = ">" * 20_000
    answer = chat.ask(f"say exactly: {deep}")
    expect(answer.locator("> .prose code")).to_have_text(deep)
    chat.page.reload()
    expect(chat.ready().answers.locator("> .prose code")).to_have_text(deep)
    expect(chat.ask("say exactly: on we go").locator("> .prose")).to_have_text("on we go")
    chat.page.goto(f"/executions/{chat.messages[1]['execution']}/")
    expect(chat.page.locator("#output code")).to_have_text(deep)


def test_code_is_coloured_and_can_be_copied(chat: ChatPage) -> None:
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = chat.ask("say exactly: ```python\nanswer = 6 * 7\nprint(answer)\n```")
    expect(answer.locator(".code .hljs-built_in")).to_have_text("print")
    answer.get_by_role("button", name="Copy code").click()
    expect(chat.page.locator("#announcer")).to_have_text("Copied")
    copied = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == "answer = 6 * 7\nprint(answer)"


def test_long_code_is_coloured_once_it_is_written(chat: ChatPage) -> None:
    chat.page.evaluate(_COUNTS_COLOURED)
    code = "\n".join(f"total_{at} = sum([{at}, 1])" for at in range(300))
    answer = over(chat.say(f"say exactly: ```python\n{code}\n```"))
    expect(answer.locator(".code .hljs-number").first).to_have_text("0")
    assert chat.page.evaluate("window.coloured") < 10, "not in every frame"
    chat.page.reload()
    expect(chat.ready().answers.locator(".code .hljs-number").first).to_have_text("0")


def test_an_answer_is_said_to_have_helped_and_why(chat: ChatPage) -> None:
    answer = chat.ask("What do tokens cost?")
    helped = answer.get_by_role("button", name="This helped")
    helped.click()
    expect(helped).to_have_attribute("aria-pressed", "true")
    answer.get_by_label("Why?").fill("It says what I asked.")
    answer.get_by_role("button", name="Save").click()
    expect(answer.get_by_label("Why?")).to_be_hidden()
    (kept,) = chat.get(f"conversations/{chat.conversation}/ratings/")["results"]
    assert (kept["helpful"], kept["comment"]) == (True, "It says what I asked.")
    chat.page.reload()
    chat.ready()
    expect(helped).to_have_attribute("aria-pressed", "true")
    answer.get_by_role("button", name="This did not help").click()
    expect(helped).to_have_attribute("aria-pressed", "false")
    answer.get_by_role("button", name="This did not help").click()
    expect(answer.get_by_role("button", name="This did not help")).to_have_attribute(
        "aria-pressed", "false"
    )
    assert chat.get(f"conversations/{chat.conversation}/ratings/")["results"] == []


def test_a_thumb_takes_no_words_from_a_message_that_is_begun_meanwhile(chat: ChatPage) -> None:
    helped = chat.ask("What do tokens cost?").get_by_role("button", name="This helped")
    held: list[Route] = []
    chat.page.route("**/rating/", lambda route: held.append(route), times=1)
    with chat.page.expect_request("**/rating/"):
        helped.click()
    chat.field.press_sequentially("And ")
    held[0].continue_()
    expect(helped).to_have_attribute("aria-pressed", "true")
    expect(chat.field).to_be_focused()
    chat.page.keyboard.type("else?")
    expect(chat.field).to_have_value("And else?")


def test_what_was_said_of_an_answer_is_shown_however_many_were_rated_since(chat: ChatPage) -> None:
    for question in ("What do tokens cost?", "And what else?"):
        chat.ask(question).get_by_role("button", name="This helped").click()
    rated = chat.page.get_by_role("button", name="This helped")
    expect(rated.last).to_have_attribute("aria-pressed", "true")
    chat.page.route(
        "**/ratings/?page_size=200",
        lambda route: route.continue_(url=route.request.url.replace("=200", "=1")),
    )
    chat.page.reload()
    chat.ready()
    expect(rated).to_have_count(2)
    for button in rated.all():
        expect(button).to_have_attribute("aria-pressed", "true")


def test_a_rating_that_was_taken_back_in_another_tab_is_taken_back_here_too(
    chat: ChatPage, complaints
) -> None:
    helped = chat.ask("What do tokens cost?").get_by_role("button", name="This helped")
    helped.click()
    expect(helped).to_have_attribute("aria-pressed", "true")
    other = ChatPage(chat.page.context.new_page()).open(chat.conversation)
    helped_there = other.answers.get_by_role("button", name="This helped")
    expect(helped_there).to_have_attribute("aria-pressed", "true")
    helped_there.click()
    expect(other.page.locator("#announcer")).to_have_text("Taken back")
    complaints.expect("404")
    helped.click()
    expect(chat.page.locator("#announcer")).to_have_text("Taken back")
    expect(helped).to_have_attribute("aria-pressed", "false")
    helped.click()
    expect(helped).to_have_attribute("aria-pressed", "true")
    assert len(chat.get(f"conversations/{chat.conversation}/ratings/")["results"]) == 1


def test_a_link_leads_where_the_answer_says_later_on(chat: ChatPage) -> None:
    told = "Read [the docs][1]" + " and wait" * 120 + "\n\n*Kept*\n\n[1]: https://example.org/docs"
    answer = chat.say(f"say exactly: {told}")
    partial_text(answer)
    expect(answer.locator("> .prose")).to_contain_text("[the docs][1]")
    over(answer)
    expect(answer.get_by_role("link", name="the docs")).to_have_attribute(
        "href", "https://example.org/docs"
    )


def test_each_text_runs_as_its_own_first_letter_does(chat: ChatPage) -> None:
    hebrew = "שלום לעולם"
    field = "getComputedStyle(document.getElementById('message'))"
    assert chat.page.evaluate(f"{field}.unicodeBidi") == "plaintext"
    chat.ask(hebrew)
    long = "The end" + " of it" * 100  # so that it is seen while it is written
    both = chat.say(
        f"say exactly: {hebrew} {hebrew} {hebrew}\n\n`{hebrew}`\n\n```\n{hebrew}\n```\n\n{long}"
    )
    partial_text(both)
    # While it is written, a block may make place for its next state at any time.
    expect(both.locator("> .prose .block").first).to_have_css("direction", "rtl")
    over(both)
    for _ in range(2):
        assert [_direction(one) for one in chat.questions.locator(".body").all()] == ["rtl", "ltr"]
        blocks = chat.answers.nth(1).locator("> .prose .block")
        assert [_direction(one) for one in blocks.all()] == ["rtl", "rtl", "ltr", "ltr"]
        assert _direction(blocks.locator("pre")) == "ltr"
        assert _direction(chat.title) == "rtl"
        assert _direction(chat.list.locator("[aria-current] .title")) == "rtl"
        chat.page.reload()
        chat.ready()
    execution = chat.messages[1]["execution"]
    chat.page.goto(f"/executions/{execution}/")
    assert _direction(chat.page.locator("#input .block")) == "rtl"
    assert _direction(chat.page.locator("#output .block").first) == "ltr"


def _direction(text: Locator) -> str:
    return str(text.evaluate("(one) => getComputedStyle(one).direction"))


def test_a_message_whose_answer_got_lost_stands_once_when_it_is_sent_again(
    chat: ChatPage, complaints
) -> None:
    chat.ask("Hello")
    at = "**/api/v1/chat/"
    complaints.expect("ERR_FAILED")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    chat.page.route(at, lose, times=1)
    chat.field.fill("say exactly: heard of")
    chat.field.press("Enter")
    over(chat.answers.nth(1))
    expect(chat.field).to_have_value("say exactly: heard of")
    with chat.page.expect_response(at):
        chat.field.press("Enter")
    expect(chat.page.locator(".sending")).to_have_count(0)
    expect(chat.questions).to_have_count(2)
    expect(chat.answers).to_have_count(2)
    assert len(chat.messages) == 4


def test_a_retry_is_one_however_often_it_is_clicked(chat: ChatPage) -> None:
    failed = chat.ask("please fail")
    failed.get_by_role("button", name="Retry").dblclick()
    over(chat.answers.nth(1))
    chat.ask("Hello")
    assert [one["role"] for one in chat.messages].count("assistant") == 3


def test_a_retry_stands_in_its_turn_in_every_window(chat: ChatPage) -> None:
    failed = chat.ask("please fail")
    chat.ask("say exactly: later")
    other = ChatPage(chat.page.context.new_page()).open(chat.conversation)
    failed.get_by_role("button", name="Retry").click()
    expect(other.answers).to_have_count(3)
    over(other.answers.nth(1))
    expect(other.answers.nth(2).locator("> .prose")).to_have_text("later")


def test_what_is_being_written_stays_where_it_was_meant_to_be_said(chat: ChatPage) -> None:
    chat.field.fill("of a new chat")
    chat.page.reload()
    expect(chat.ready().field).to_have_value("of a new chat")
    chat.ask("Hello")
    first = chat.conversation
    chat.field.fill("an answer\nto that")
    chat.page.get_by_role("link", name="New chat").click()
    chat.page.wait_for_url("**/chat/")
    expect(chat.ready().field).to_have_value("")
    chat.open(first)
    expect(chat.field).to_have_value("an answer\nto that")
    chat.field.press("Enter")
    expect(chat.answers).to_have_count(2)
    over(chat.answers.nth(1))
    chat.page.reload()
    expect(chat.ready().field).to_have_value("")


def test_what_was_written_in_a_conversation_deleted_elsewhere_can_be_sent_in_a_new_one(
    chat: ChatPage, complaints
) -> None:
    complaints.expect("404")
    for told in (True, False):
        chat.ask("Hello")
        if not told:
            chat.page.add_init_script(NO_ANSWER)
            chat.page.reload()
            chat.ready()
        chat.field.fill("say exactly: not lost")
        _delete(chat)
        if told:
            expect(chat.page.locator("#connection")).to_contain_text("no such conversation")
            chat.page.reload()
        else:
            chat.field.press("Enter")
            chat.page.get_by_role("link", name="Send it in a new chat").click()
        expect(chat.page).to_have_url(re.compile("/chat/$"))
        expect(chat.ready().field).to_have_value("say exactly: not lost")
    chat.field.press("Enter")
    expect(chat.answers.locator("> .prose")).to_have_text("not lost")


def test_what_was_written_for_a_new_chat_outlives_a_conversation_deleted_elsewhere(
    chat: ChatPage,
) -> None:
    chat.ask("Hello")
    first = chat.conversation
    chat.open().field.fill("of a new chat")
    chat.open(first)
    _delete(chat)
    expect(chat.page).to_have_url(re.compile("/chat/$"))
    chat.page.reload()
    expect(chat.ready().field).to_have_value("of a new chat")


def test_a_suggestion_takes_nothing_of_what_is_being_written(chat: ChatPage) -> None:
    suggested = "What can you do?"
    chat.page.get_by_role("button", name="How are tokens counted?").click()
    chat.page.get_by_role("button", name=suggested).click()
    expect(chat.field).to_have_value(suggested)
    chat.field.fill("of my own")
    chat.page.get_by_role("button", name=suggested).click()
    expect(chat.field).to_have_value(f"of my own\n{suggested}")


def test_what_is_written_while_messages_are_on_their_way_is_kept_behind_them(
    chat: ChatPage,
) -> None:
    chat.ask("Hello")
    _two_on_their_way(chat)
    chat.page.reload()
    expect(chat.ready().field).to_have_value("one\ntwo\nthree")


def test_messages_that_did_not_arrive_come_back_in_their_order(chat: ChatPage, complaints) -> None:
    complaints.expect("ERR_FAILED")
    chat.ask("Hello")
    held = _two_on_their_way(chat)
    held[0].abort()
    while len(held) == 1:
        chat.page.wait_for_timeout(50)
    held[1].abort()
    expect(chat.field).to_have_value("one\ntwo\nthree")


def test_words_that_were_given_up_once_can_be_sent_later(chat: ChatPage, complaints) -> None:
    complaints.expect("ERR_FAILED")
    chat.ask("Hello")
    chat.page.route("**/api/v1/chat/", _arrives_without_an_answer, times=1)
    chat.field.fill("yes")
    chat.field.press("Enter")
    expect(chat.field).to_have_value("yes")
    over(chat.say("no, wait"))
    over(chat.say("yes"))
    asked = [one["text"] for one in chat.messages if one["role"] == "user"]
    assert asked == ["Hello", "yes", "no, wait", "yes"]


def _arrives_without_an_answer(route: Route) -> None:
    route.fetch()
    route.abort()


def _two_on_their_way(chat: ChatPage) -> list[Route]:
    """The first, then both, while a third is being written."""
    held: list[Route] = []
    chat.page.route("**/api/v1/chat/", lambda route: held.append(route), times=2)
    for text in ("one", "two"):
        chat.field.fill(text)
        chat.field.press("Enter")
    chat.field.fill("three")
    while not held:
        chat.page.wait_for_timeout(50)
    return held


def _delete(chat: ChatPage) -> None:
    """From another tab."""
    other = ChatPage(chat.page.context.new_page()).open(chat.conversation)
    other.page.get_by_role("button", name="Rename, archive or delete").click()
    other.dialog.get_by_role("button", name="Delete").click()
    other.dialog.get_by_role("button", name="Delete for good").click()
    other.page.wait_for_url("**/chat/")
    other.page.close()


def test_a_message_that_was_on_its_way_at_a_reload_is_neither_lost_nor_doubled(
    chat: ChatPage,
) -> None:
    chat.ask("Hello")
    held: list[Route] = []
    for arrives in (False, True):
        chat.page.route("**/api/v1/chat/", lambda route: held.append(route), times=1)
        chat.field.fill(f"say exactly: {arrives}")
        chat.field.press("Enter")
        while not held:
            chat.page.wait_for_timeout(50)
        on_its_way = held.pop()
        if arrives:
            on_its_way.fetch()
        chat.page.reload()
        expect(chat.ready().field).to_have_value(f"say exactly: {arrives}")
        chat.field.press("Enter")
        expect(chat.page.locator(".sending")).to_have_count(0)
        expect(chat.field).to_have_value("")
    expect(chat.answers).to_have_count(3)
    assert [prose(over(one)) for one in chat.answers.all()[1:]] == ["False", "True"]
    assert len(chat.messages) == 6
