"""Answers of the API, as pydantic models: built in microseconds, documented by the schema."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """What the API says of one thing. Unlike a serializer it never reaches for the database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
