"""Names that people give, in the bodies of requests."""

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from core.json_values import storable

# By their names things are opened on a page, so there is something to be seen.
Name = Annotated[
    str,
    BeforeValidator(storable),
    StringConstraints(strip_whitespace=True),
    Field(min_length=1, max_length=255),  # of what is left
]
