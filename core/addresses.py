"""Which IP addresses are on the public internet, and which others an administrator opened."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_WITH_PORT = re.compile(r"\[([^]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
_MAPPED = re.compile(r"::ffff:([0-9.]+)", re.IGNORECASE)
_OF_ONE_CALLER = 64  # bits of an address of IPv6: whoever has one has all that begin with them
# What `ipaddress` takes for public: the retired 6to4 relays, Azure's host, documentation.
_NOT_PUBLIC: tuple[Network, ...] = (
    IPv4Network("192.88.99.0/24"),
    IPv4Network("168.63.129.16/32"),
    IPv6Network("3fff::/20"),
)


def plain_address(text: str) -> Address:
    """The address traffic to this one ends at: mapped, NAT64 and 6to4 forms carry an IPv4 one.

    Raises ValueError for what is not an address.
    """
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def bare_address(text: str) -> str:
    """The address alone of `203.0.113.7:4711` or `[2001:db8::7]:4711`, as some proxies tell it, and
    of `::ffff:203.0.113.7`, as a socket does that listens for both kinds.
    """
    found = _WITH_PORT.fullmatch(text)
    alone = found[1] or found[2] or "" if found else text
    mapped = _MAPPED.fullmatch(alone)
    return mapped[1] if mapped else alone


def caller_of(text: str) -> str:
    """Who is behind an address: it alone, or its network of IPv6; what is none stays as it is."""
    try:
        address = plain_address(text)
    except ValueError:
        return text
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _OF_ONE_CALLER), strict=False))


def is_public(address: Address) -> bool:
    """Anyone on the internet could reach it; not private, local, shared, reserved, multicast.

    Expects a `plain_address`. Teredo lies in a reserved block, so it is not public.
    """
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts by name, and networks, that may be reached although they are not public."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """From a setting: addresses and CIDRs; whatever is neither is a host's name."""
        hosts, networks = set(), []
        for entry in entries:
            network = _network(entry)
            if network is None:
                hosts.add(entry.lower())
            else:
                networks.append(network)
        return cls(frozenset(hosts), tuple(networks))

    def allows(self, host: str, address: str) -> bool:
        """Whether a connection to `address`, which `host` resolved to, may be made."""
        if host.lower() in self.hosts:
            return True
        plain = plain_address(address)
        return is_public(plain) or self._opens(plain)

    def names(self, host: str) -> bool:
        """Whether an administrator opened this host, given by its name or as an address."""
        if host.lower() in self.hosts:
            return True
        try:
            return self._opens(plain_address(host))
        except ValueError:
            return False

    def _opens(self, plain: Address) -> bool:
        return any(
            plain in network for network in self.networks if network.version == plain.version
        )


@lru_cache(maxsize=8)
def allow_list(entries: tuple[str, ...]) -> AllowList:
    return AllowList.of(entries)


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None
