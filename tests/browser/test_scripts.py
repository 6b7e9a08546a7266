"""The scripts of the pages, tested in Node."""

import shutil
import subprocess

import pytest

from tests.drills.server import ROOT


def test_the_tests_of_the_scripts_pass() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node here: the tests of the scripts need it")
    tests = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    done = subprocess.run(
        [node, "--test", *tests], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
