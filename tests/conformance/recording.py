"""`RECORD_EVENTS=1 pytest tests/conformance/test_conformance.py` writes what logs tell into files.

Into those that say nothing of events yet; whoever wrote such a file reads whether it is right.
"""

import os
from collections.abc import Mapping

from tests.conformance.case import FILES, cases
from tests.conformance.log import in_short


def record_events(name: str, told: Mapping[str, str]) -> None:
    """Only when it is asked for, and the file ends with its expectations, one to a line."""
    path = FILES / f"{name}.yaml"
    if not os.environ.get("RECORD_EVENTS") or cases()[name].expect.events is not None:
        return
    text = path.read_text()
    assert "\nexpect:\n" in text, f"Write `expect` of {name} with a line for each."
    lines = [f"    {who}: {types}\n" for who, types in in_short(told).items()]
    path.write_text("".join([text, "  events:\n", *lines]))
