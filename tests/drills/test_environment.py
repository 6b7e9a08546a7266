"""What the servers of benchmarks and drills are told."""

import os
from pathlib import Path

from bench import databases
from tests.drills.server import Chatter


def test_no_env_file_of_this_directory_changes_what_is_measured_or_drilled(tmp_path: Path) -> None:
    drilled = Chatter(tmp_path)._environment
    with databases.environment("sqlite") as measured:
        assert measured["CHATTER_ENV_FILE"] == drilled["CHATTER_ENV_FILE"] == os.devnull
