"""What a command writes is there whole, or not at all."""

import pytest

from core.files import new_file


def test_a_file_that_could_not_be_finished_is_not_left_behind(tmp_path):
    path = tmp_path / "half"
    with pytest.raises(ConnectionError), new_file(path) as file:
        file.write(b"half")
        raise ConnectionError
    assert list(tmp_path.iterdir()) == []
