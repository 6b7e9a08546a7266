"""Which requests of other products can be carried over (pure)."""

import re

from core.addresses import AllowList
from tools.http import METHODS
from workflows.validation.addresses import BadAddress, check_address
from workflows.validation.secrets import random_in, secret_in

LONGEST = 4_000  # a reference may become longer here than it was
_HOST_FIRST = re.compile(r"https?://[^/?#{}\s]+(?:[/?#].*)?", re.DOTALL)


def why_not(method: str, url: str, *, open_host: bool = False) -> str:
    """Why such a request cannot be carried over; empty if it can.

    `open_host`: a reference may fill in the host.
    """
    if method.upper() not in METHODS:
        return f"Nothing here sends a request '{method[:20]}'."
    if len(url) > LONGEST or not (open_host or _HOST_FIRST.fullmatch(url.strip())):
        return "The host of its address is not known before it runs; draw it anew."
    if is_secret(url):
        return "Its address holds a secret, which stays behind; draw it anew."
    try:
        check_address(url.strip(), AllowList())
    except BadAddress as error:
        return f"Its address cannot be asked: {error}"
    return ""


def is_secret(text: str) -> bool:
    return bool(secret_in(text) or random_in(text))
