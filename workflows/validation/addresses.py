"""Addresses that lead into private networks, told from the text alone (pure).

Names are not looked up: nothing is asked of a network while a graph is checked. What a name leads
to is checked when a node connects; so where private networks are opened, a name of one is not
judged.
"""

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import urlsplit

from core.addresses import Address, AllowList

_SCHEMES = frozenset({"http", "https"})
_WITH_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#{}]+[/?#]")
_PRIVATE_NAME = re.compile(r"(?:.*\.)?(?:local|localdomain|internal|intranet|lan|corp|home\.arpa)")
_OF_THIS_MACHINE = re.compile(r"(?:.*\.)?localhost")
_THIS_MACHINE = ipaddress.IPv4Address("127.0.0.1")
_NO_HOST = re.compile(r"[\s<>\"\\^`{|}]")
_NUMERIC = re.compile(r"[0-9a-fx.]+")


class BadAddress(ValueError):
    """It is no address a node may ask; the text says why."""


class PrivateAddress(BadAddress):
    """It leads into a private network."""


def check_address(url: str, allowed: AllowList) -> None:
    """Raises BadAddress, PrivateAddress. A host that a reference fills in is not judged."""
    if "{{" in url and not _WITH_HOST.match(url):
        return
    try:
        parts = urlsplit(unicodedata.normalize("NFKC", url))
        scheme, host, _ = parts.scheme, (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise BadAddress("This is not an address.") from error
    if scheme not in _SCHEMES or not host:
        raise BadAddress("An address begins with http:// or https:// and a host.")
    if _NO_HOST.search(host):
        raise BadAddress("This is not the name of a host.")
    address = _address_of(host)
    if host in allowed.hosts:
        return
    private_name = _PRIVATE_NAME.fullmatch(host) and not allowed.networks
    if private_name or (address and not allowed.allows(host, str(address))):
        raise PrivateAddress(f"'{host[:64]}' leads into a private network.")


def _address_of(host: str) -> Address | None:
    """The number a host is, in whatever way it is written: 127.1, 0x7f000001, ::ffff:127.0.0.1."""
    if _OF_THIS_MACHINE.fullmatch(host):
        return _THIS_MACHINE
    try:
        return ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if _NUMERIC.fullmatch(host) else None
    except OSError:
        return None
