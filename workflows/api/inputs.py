"""JSON of any shape, as every database can hold it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

_DEEPEST = 60
_LARGEST = 1e300


class Body(BaseModel):
    """The body of a request: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


def storable(value: Any, depth: int = _DEEPEST) -> Any:
    """The value without NUL characters (PostgreSQL has none).

    Raises ValueError for what JSON cannot say, or what nests deeper than anybody reads.
    """
    if depth < 0:
        raise ValueError(f"This nests more than {_DEEPEST} levels deep.")
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {str(storable(key)): storable(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item, depth - 1) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < _LARGEST:  # neither nan nor infinity is
        return value
    raise ValueError(f"A {type(value).__name__} of this size or kind is no value of JSON.")


JsonObject = Annotated[dict[str, Any], AfterValidator(storable)]
Text = Annotated[str, BeforeValidator(storable)]
