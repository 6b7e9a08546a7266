"""An installation whose metrics may be asked for, with a model on the wire."""

import pytest

from tests.drills.models import wire_model

TOKEN = "scrape-me"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def measured(settings):
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def model(built_in, wire):
    """The name of a model that answers over real HTTP."""
    return wire_model(wire)
