"""Where a call comes from, as its row in a ledger says it in text: a link upwards without a key."""

from typing import Any

EXECUTION = "execution:"  # and its id
API = "api:"  # tried by itself, outside of any run; and an id of its own


def of_execution(execution_id: Any) -> str:
    return f"{EXECUTION}{execution_id}"


def execution_of(origin: str) -> str | None:
    """The id of the execution that made the call, if one did."""
    return origin.removeprefix(EXECUTION) if origin.startswith(EXECUTION) else None
