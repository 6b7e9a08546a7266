"""Against a server process: an answer that breaks off does not pass for a whole one."""

from pathlib import Path

import httpx2
import pytest

from tests.drills.server import chatter

pytestmark = pytest.mark.slow
_PATIENCE_S = 10


def test_who_reads_an_answer_that_breaks_off_is_cut_off_every_time(tmp_path: Path) -> None:
    with chatter(tmp_path) as server:
        server.furnish(people=["alice"])
        server.start(module="tests.drills.breaking")
        asked = {"headers": server.people["alice"].headers, "timeout": _PATIENCE_S}
        for _ in range(3):
            with pytest.raises(httpx2.RemoteProtocolError):
                httpx2.get(f"{server.url}/api/v1/privacy/export/", **asked)
