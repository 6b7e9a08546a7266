"""What pages are made of, while the next release is installed beside this one."""

import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx2
import pytest
from django.contrib.staticfiles.finders import get_finders

from tests.drills.server import ROOT, chatter

ROOM = 100_000  # bytes a file may have


@pytest.mark.slow
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


def collected(home: Path, room: int) -> int:
    """The exit code of `collectstatic` where a file may have so many bytes."""
    own = {"CHATTER_DATA_DIR": str(home), "DATABASE_URL": "sqlite://:memory:"}
    return subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "chatter_project.settings", **own},
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        check=False,
    ).returncode


def test_what_a_full_disk_cut_off_is_whole_once_there_is_room(tmp_path):
    assert collected(tmp_path, ROOM) == 1
    assert collected(tmp_path, resource.RLIM_INFINITY) == 0
    sources = [one for finder in get_finders() for one in finder.list([])]
    assert max(storage.size(path) for path, storage in sources) > ROOM
    for path, storage in sources:
        assert (tmp_path / "static" / path).stat().st_size == storage.size(path), path
    assert not list(tmp_path.rglob("*.part"))


def test_files_of_a_newer_release_make_way_for_those_of_the_one_that_is_gone_back_to(tmp_path):
    assert collected(tmp_path, resource.RLIM_INFINITY) == 0
    newer = tmp_path / "static" / "js" / "api.js"
    newer.write_text("// what only the newer release understands\n")
    assert collected(tmp_path, resource.RLIM_INFINITY) == 0
    assert newer.read_text() == (ROOT / "static" / "js" / "api.js").read_text()
