"""One provider on the wire for all cases."""

from collections.abc import Iterator

import pytest

from tests.wire import WireServer


@pytest.fixture(scope="package")
def wire() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running
