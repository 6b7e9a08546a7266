"""A provider is asked where it is, and nowhere else that it points to."""

from typing import Any

_PORTS = {"http": 80, "https": 443}


async def stay(response: Any) -> None:
    """A hook of httpx: a redirect to another server is not followed, but taken for the answer.

    It may lead to where only this server can go; and what is asked is for this provider alone.
    """
    if not response.has_redirect_location:
        return
    there = response.url.join(response.headers["location"])
    if _origin(there) != _origin(response.url):
        del response.headers["location"]


def _origin(url: Any) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or _PORTS.get(url.scheme)
