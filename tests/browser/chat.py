"""The chat page as tests see it."""

import re
from typing import Any, Self

from playwright.sync_api import APIResponse, Locator, Page, expect

# The text of an answer that is still being written, once it has some words.
_GROWING = """(answer) => {
  const text = answer.querySelector(":scope > .prose")?.textContent.trim() ?? "";
  return answer.ariaBusy === "true" && text.split(/\\s+/).length >= 3 && text;
}"""
# For a page before its scripts: nobody accepts its sockets, and nobody refuses them.
NO_ANSWER = "window.WebSocket = class { send() {} close() {} };"


class ChatPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.field = page.get_by_label("Message", exact=True)
        self.stop = page.get_by_role("button", name="Stop")
        self.title = page.get_by_role("heading", level=1)
        self.totals = page.locator("#conversation-totals")
        self.questions = page.locator(".message.user")
        self.answers = page.locator(".message.assistant")
        self.dialog = page.get_by_role("dialog")
        self.list = page.get_by_role("navigation", name="Conversations")

    def open(self, conversation: str = "") -> Self:
        self.page.goto(f"/chat/{conversation}/" if conversation else "/chat/")
        return self.ready()

    def ready(self) -> Self:
        expect(self.page.locator("#composer[data-ready]")).to_be_visible()
        return self

    def say(self, text: str) -> Locator:
        """Send a message; gives the answer as soon as it is there, complete or not."""
        at = self.answers.count()
        self.field.fill(text)
        self.page.get_by_role("button", name="Send").click()
        expect(self.answers).to_have_count(at + 1)
        return self.answers.nth(at)

    def ask(self, text: str) -> Locator:
        """Send a message and wait for the whole answer."""
        return over(self.say(text))

    @property
    def conversation(self) -> str:
        """The id in the address."""
        return self.page.url.rstrip("/").rsplit("/", 1)[-1]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that are stored."""
        return self.get(f"conversations/{self.conversation}/messages/")["results"]

    def get(self, path: str) -> Any:
        """Ask the API as the person at the page."""
        answer = self.page.request.get(f"/api/v1/{path}")
        assert answer.ok, answer.text()
        return answer.json()

    def post(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Have the API do something as the person at the page."""
        return self.send(path, method, body).json()

    def send(self, path: str, method: str, body: Any = None) -> APIResponse:
        cookies = self.page.context.cookies()
        token = next(str(one["value"]) for one in cookies if one["name"] == "csrftoken")
        headers = {"X-CSRFToken": token, "Referer": self.page.url}
        answer = self.page.request.fetch(
            f"/api/v1/{path}", method=method, data=body or {}, headers=headers
        )
        assert answer.ok, answer.text()
        return answer

    def delete(self, path: str) -> None:
        """Have the API delete something as the person at the page."""
        self.send(path, "DELETE")

    def log(self, execution: str) -> list[dict[str, Any]]:
        """All events of a run."""
        events: list[dict[str, Any]] = []
        while True:
            page = self.get(f"executions/{execution}/events/?after={len(events)}")
            events += page["results"]
            if len(events) >= page["last_seq"] or not page["results"]:
                return events


def execution_of(answer: Locator) -> str:
    """The id of the run that gives it, once the server has begun it."""
    expect(answer).to_have_attribute("data-execution", re.compile("."))
    return str(answer.get_attribute("data-execution"))


def over(answer: Locator) -> Locator:
    """The same answer, once nothing more is coming."""
    expect(answer).to_have_attribute("aria-busy", "false")
    return answer


def partial_text(answer: Locator) -> str:
    """Some of the text, seen while more is still coming."""
    page = answer.page
    return page.wait_for_function(_GROWING, arg=answer.element_handle()).json_value()


def prose(answer: Locator) -> str:
    return answer.locator("> .prose").inner_text()
