"""What pages are made of, while the next release is installed beside this one."""

import httpx2
import pytest

from tests.drills.server import chatter

pytestmark = pytest.mark.slow


def test_files_that_the_next_release_brings_are_whole_while_this_one_still_serves(tmp_path):
    with chatter(tmp_path) as running:
        running.furnish()
        running.start()
        collected = tmp_path / "data" / "static" / "js"
        page = collected / "api.js"
        page.write_text(page.read_text() + "// longer than before\n")
        (collected / "new.js").write_text("// what it imports\n")
        for file in ("api.js", "new.js"):
            told = httpx2.get(f"{running.url}/static/js/{file}")
            assert told.text == (collected / file).read_text()
        for none in ("js/", "js", "../secret_key", "%2e%2e/secret_key", "js%00", "a" * 5000):
            assert httpx2.get(f"{running.url}/static/{none}").status_code == 404
