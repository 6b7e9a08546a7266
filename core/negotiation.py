"""What views of DRF answer in."""

from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation


class WhatThereIs(DefaultContentNegotiation):
    """An `Accept` is a wish. Programs written from our document have that of a file, or only that
    of a problem where an answer has no body: refused, they could neither fetch nor delete a thing.
    """

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type
