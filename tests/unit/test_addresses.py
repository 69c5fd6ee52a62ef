"""Addresses as text, and where they are."""

from __future__ import annotations

import ipaddress

import pytest

from plugin.addresses import IPV4_PREFIX, address_text, is_private


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
