"""In a worker that is started after the others: what cases change of the server is changed."""

import json
import os
from collections.abc import Iterable
from typing import Any

import pytest
from django.apps import AppConfig

CHANGED = "CONFORMANCE_CHANGED"


class Changing(AppConfig):
    """Beside the apps of the product."""

    name = "tests.conformance.changing"

    def ready(self) -> None:
        from tests.conformance.steps import PATCHES  # apps are loaded before it can be read

        for word, what in json.loads(os.environ.get(CHANGED, "[]")):
            PATCHES[word](what, pytest.MonkeyPatch())


def changed(steps: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """The environment of a worker that is started when these steps have been taken."""
    return {CHANGED: json.dumps([*steps])}
