"""A provider that meters."""

from collections.abc import Iterator

import pytest

from tests.wire import WireServer


@pytest.fixture(scope="session")
def running_wire() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def wire(running_wire: WireServer) -> WireServer:
    running_wire.clear()
    return running_wire
