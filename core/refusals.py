"""What pydantic refuses, in words of JSON: it speaks of tuples, dictionaries and our classes."""

from collections.abc import Mapping
from typing import Any

_IN_JSON = {
    "tuple_type": "Input should be a list",
    "dict_type": "Input should be an object",
    "model_type": "Input should be an object",
    "uuid_type": "Input should be a UUID, written as a text",
}
_BEGINNINGS = {
    "Value error, ": "",  # stands before what a check of our own says
    "Tuple ": "List ",
    "Dictionary ": "Object ",
    "Value should have at least 1 item after validation, not 0": "It should not be empty",
}


def told(flaw: Mapping[str, Any]) -> str:
    """The message of one of `ValidationError.errors()`."""
    message: str = _IN_JSON.get(flaw["type"], flaw["msg"])
    for beginning, in_json in _BEGINNINGS.items():
        if message.startswith(beginning):
            return in_json + message.removeprefix(beginning)
    return message
