"""What pydantic refuses, in words of JSON: it speaks of tuples, dictionaries and our classes."""

from collections.abc import Mapping
from typing import Any

_IN_JSON = {
    "tuple_type": "Input should be a list",
    "dict_type": "Input should be an object",
    "model_type": "Input should be an object",
    "uuid_type": "Input should be a UUID, written as a text",
}
_OF_A_CHECK = "Value error, "  # stands before what a check of our own says
_OF_ANY_VALUE = "Value should have at least 1 item after validation, not 0"


def told(flaw: Mapping[str, Any]) -> str:
    """The message of one of `ValidationError.errors()`."""
    message: str = _IN_JSON.get(flaw["type"], flaw["msg"].removeprefix(_OF_A_CHECK))
    return "This should not be empty" if message == _OF_ANY_VALUE else message
