"""Bodies of requests, and JSON of any shape in them."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from core.json_values import storable


class Body(BaseModel):
    """The body of a request: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


JsonObject = Annotated[dict[str, Any], AfterValidator(storable)]
Graph = dict[str, Any]  # as it came: the checks tell what of it cannot be stored
Text = Annotated[str, BeforeValidator(storable)]
