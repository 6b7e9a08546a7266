"""Against a server process: an answer that breaks off does not pass for a whole one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.drills.server import Chatter, chatter

pytestmark = pytest.mark.slow
_PATIENCE_S = 15
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
