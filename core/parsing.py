"""How views of DRF read a body: as `core.api.parse` does, which others call themselves."""

from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class Json(JSONParser):
    """Python's own reader takes what no answer can repeat, such as half of a surrogate pair."""

    def parse(self, stream: Any, *media_type_and_context: Any) -> Any:
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise ParseError(str(error)) from error
