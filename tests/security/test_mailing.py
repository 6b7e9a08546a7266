"""An alert reaches everyone who can be mailed, whoever else cannot."""

from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from audit.record import record
from audit.sealing import seal_entries
from security.chores import mail_alerts
from security.services.watching import watch_trail

pytestmark = pytest.mark.django_db


class MailServer(ThreadingTCPServer):
    """Takes mail for everyone but those at `gone.example`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.reached: list[str] = []


class _Session(StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        accepted: list[str] = []
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            match line.upper().split(":")[0].split()[0]:
                case "RCPT" if "gone.example" in line:
                    self._say("550 no such user")
                    continue
                case "RCPT":
                    accepted.append(line.partition("<")[2].rstrip(">"))
                case "DATA":
                    self._say("354 go on")
                    while self.rfile.readline().strip() != b".":
                        pass
                    self.server.reached += accepted
            self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    "wrong", ["ann@gone.example", "ann@one.example; bob@one.example", "Name <>"]
)
def test_an_address_that_cannot_be_mailed_is_named_and_keeps_no_alert_from_others(
    wrong: str,
    alice: User,
    mail_server: MailServer,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SECURITY_EMAILS = ["ops@chatter.example", wrong, "Eve <eve@chatter.example>"]
    settings.CHATTER_SECURITY = dict.fromkeys(settings.CHATTER_SECURITY, (1, 86_400))
    watch_trail()
    record("tools.call.refused", actor=alice, outcome="denied")
    seal_entries()
    watch_trail()
    async_to_sync(mail_alerts.work)()
    assert mail_server.reached == ["ops@chatter.example", "eve@chatter.example"]
    [told] = [one.msg for one in caplog.records if "alert.not_mailed" in str(one.msg)]
    assert told["to"] == wrong
