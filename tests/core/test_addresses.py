"""What is public, in every form an address can take."""

import pytest

from core.addresses import AllowList, is_public, plain_address

PRIVATE = [
    *("0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"),
    *("192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "224.0.0.1"),
    *("239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("100::1", "3fff::1", "5f00::1", "::127.0.0.1", "2001::1", "64:ff9b:1::1"),
    "::ffff:127.0.0.1",  # mapped
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo of 127.0.0.1
]
PUBLIC = [
    *("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"),
    "2002:101:101::1",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_public_is_refused(text: str) -> None:
    assert not is_public(plain_address(text))
    assert not AllowList().allows("host.example", text)


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is_allowed(text: str) -> None:
    assert is_public(plain_address(text))
    assert AllowList().allows("host.example", text)


def test_an_administrator_opens_hosts_addresses_and_networks() -> None:
    allowed = AllowList.of(["Wiki.Intern", "10.1.0.0/16", "127.0.0.1", "[fd00::1]"])
    assert allowed.allows("wiki.intern", "192.168.0.9")
    assert allowed.allows("any.example", "10.1.2.3")
    assert allowed.allows("any.example", "::ffff:10.1.2.3")
    assert allowed.allows("any.example", "127.0.0.1")
    assert allowed.allows("any.example", "fd00::1")
    assert not allowed.allows("any.example", "10.2.0.1")
    assert not allowed.allows("any.example", "127.0.0.2")
    assert not allowed.allows("wiki.intern.example", "192.168.0.9")
