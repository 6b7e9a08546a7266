"""How views of DRF read a body; those of `core.api.parse` read it themselves."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class Json(JSONParser):
    """What nests deeper than it can be read is malformed, too."""

    def parse(self, *stream_and_context: Any) -> Any:
        try:
            return super().parse(*stream_and_context)
        except RecursionError as error:
            raise ParseError("it nests too deep") from error
