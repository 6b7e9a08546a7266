"""What a browser holds against a page: errors, broken requests, refusals by the content policy."""

from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

# Leaving a page ends what it was loading.
_LEFT = "net::ERR_ABORTED"
# What a request meets whose server has just been killed, by the state its connection was in.
_SERVER_GONE = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET_NOT_CONNECTED",
    "Connection closed before receiving a handshake response",
)
# The policy's refusals, inline styles among them, as the page itself is told of them.
_WATCH_POLICY = """
window.__refused = [];
addEventListener("securitypolicyviolation", (event) => {
  window.__refused.push(`policy: ${event.violatedDirective} refused ${event.blockedURI}`);
});
"""


class Complaints:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self._provoked: list[str] = []

    def expect(self, *words: str) -> None:
        """Complaints with these words are what the test is about."""
        self._provoked += words

    def expect_server_gone(self) -> None:
        """The test kills the server under the page."""
        self.expect(*_SERVER_GONE)

    def listen(self, context: BrowserContext) -> None:
        context.add_init_script(_WATCH_POLICY)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("requestfailed", self._request_failed)
        context.on("response", self._response)

    def collect(self, context: BrowserContext) -> None:
        """Ask every open page what its policy refused."""
        for page in context.pages:
            self.heard += page.evaluate("window.__refused ?? []")

    def settle(self) -> None:
        """Fail if there is anything that nobody provoked."""
        left = [one for one in self.heard if not any(word in one for word in self._provoked)]
        assert not left, "The browser complains:\n" + "\n".join(left)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"console {message.type}: {message.text} {message.location['url']}")

    def _error(self, error: WebError) -> None:
        self.heard.append(f"uncaught: {error.error}")

    def _request_failed(self, request: Request) -> Any:
        if request.failure != _LEFT:
            self.heard.append(f"request failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.heard.append(f"answered {response.status}: {response.url}")
