"""Addresses as text, and where they are."""

from __future__ import annotations

import ipaddress

import pytest

from plugin.addresses import (
    IPV4_PREFIX,
    address_bytes,
    address_text,
    device_address,
    is_private,
)


def packed(text: str) -> bytes:
    ip = ipaddress.ip_address(text)
    return ip.packed if ip.version == 6 else IPV4_PREFIX + ip.packed


@pytest.mark.parametrize("text", ["10.0.0.1", "fe80::1", "::1", "2001:db8::ff00:42:8329", "::"])
def test_addresses_are_written_as_the_rfcs_say(text: str) -> None:
    assert address_text(packed(text)) == text


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("10.1.1.1", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("192.169.1.1", False),
        ("169.254.1.1", True),
        ("8.8.8.8", False),
        ("fd00::1", True),
        ("fe80::1", True),
        ("2001:db8::1", False),
    ],
)
def test_private_addresses(text: str, private: bool) -> None:
    assert is_private(packed(text)) is private


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("FC-15-B4-AB-2E-FD", "fc:15:b4:ab:2e:fd"),
        ("10.0.0.1", "10.0.0.1"),
        ("FE80:0::0001", "fe80::1"),
    ],
)
def test_addresses_are_written_in_one_way(typed: str, written: str) -> None:
    assert device_address(typed) == written


@pytest.mark.parametrize(
    "text", ["", "foo", "1.2.3", "1.2.3.400", "0e:00:00:00:00", "0g:0:0:0:0:0"]
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="is no MAC or IP address"):
        device_address(text)


@pytest.mark.parametrize(
    "text", ["10.0.0.1", "255.255.255.255", "fe80::1", "::", "2001:DB8:0:0::1", "::ffff:10.0.0.1"]
)
def test_addresses_are_read(text: str) -> None:
    assert address_bytes(text) == packed(text)


@pytest.mark.parametrize(
    "text", ["", "10.0.0", "10.0.0.256", "host", "a\0b", "é", ":", "fe80::1%1"]
)
def test_what_is_no_ip_address(text: str) -> None:
    with pytest.raises(ValueError, match="is no IP address"):
        address_bytes(text)
