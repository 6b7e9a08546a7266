"""JSON of any shape, as every database can hold it."""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

_DEEPEST = 60


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
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("A number must be finite.")
    if isinstance(value, Mapping):
        return {str(storable(key)): storable(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item, depth - 1) for item in value]
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(storable)]
Text = Annotated[str, BeforeValidator(storable)]
