"""What views of DRF answer in."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation


class WhatThereIs(DefaultContentNegotiation):
    """An `Accept` is a wish. Programs written from our document have that of a file, or only that
    of a problem where an answer has no body: refused, they could neither fetch nor delete a thing.
    """

    def get_accept_list(self, request: Any) -> Any:
        return [*super().get_accept_list(request), "*/*"]
