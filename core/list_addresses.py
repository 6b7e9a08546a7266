"""Where rows are listed: over the API, and on the page of the same name."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

_API = "/api/v1"


def list_address(name: str, asked: Mapping[str, object]) -> str:
    """That of a list of the API, asked for some of its rows."""
    address = f"{_API}/{name}/"
    return f"{address}?{urlencode(asked, safe=':')}" if asked else address


def page_at(address: str) -> str:
    """The page of a list of the API."""
    return address.removeprefix(_API)


def instant_text(at: datetime) -> str:
    """An instant of UTC, as addresses have it."""
    return at.isoformat().replace("+00:00", "Z")
