"""Against a server process: no answer passes for a whole one that is not, or runs into another."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import pytest

from tests.drills.server import Chatter, chatter

pytestmark = pytest.mark.slow
_PATIENCE_S = 15
_ONE_PIECE = 65_536  # bytes of an answer that Django hands over at once
_MANY = 30  # a server has 20 connections to PostgreSQL


def ask(server: Chatter, path: str) -> httpx2.Response:
    return httpx2.get(
        server.url + path, headers=server.people["alice"].headers, timeout=_PATIENCE_S
    )


def cut(server: Chatter) -> bool:
    """Whether the export ended before its end."""
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(server, "/api/v1/privacy/export/")
    return True


def test_a_head_is_answered_without_a_body_however_long_and_the_connection_goes_on(
    tmp_path: Path,
) -> None:
    with chatter(tmp_path) as server:
        server.start()
        with closing(HTTPConnection(server.url.removeprefix("http://"))) as connection:
            connection.request("HEAD", "/api/schema/")
            head = connection.getresponse()
            assert int(head.headers["Content-Length"]) > _ONE_PIECE
            assert head.read() == b""
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200


def test_who_reads_an_answer_that_breaks_off_is_cut_off_and_the_server_goes_on(
    tmp_path: Path,
) -> None:
    with chatter(tmp_path) as server:
        server.furnish(people=["alice"])
        server.start(module="tests.drills.breaking")
        assert cut(server)
        with ThreadPoolExecutor(5) as people:
            assert all(people.map(cut, [server] * _MANY))
        assert ask(server, "/api/v1/auth/me/").status_code == 200
