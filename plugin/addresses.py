"""Addresses of 16 bytes (IPv4 as ``::ffff:a.b.c.d``): as text, and where they are."""

from __future__ import annotations

IPV4_PREFIX = bytes(10) + b"\xff\xff"
"""What stands before an IPv4 address in its 16 bytes."""
_HEX = frozenset("0123456789abcdefABCDEF")


def address_text(ip: bytes) -> str:
    """A 16-byte address as text: IPv4 dotted, IPv6 by RFC 5952."""
    if ip[:12] == IPV4_PREFIX:
        return f"{ip[12]}.{ip[13]}.{ip[14]}.{ip[15]}"
    import socket

    return socket.inet_ntop(socket.AF_INET6, ip)


def address_bytes(text: str) -> bytes:
    """Read an address as :func:`address_text` writes it, or any other spelling of RFC 4291.

    Raises:
        ValueError: it is none.
    """
    import socket

    try:
        if ":" in text:
            return socket.inet_pton(socket.AF_INET6, text)
        return IPV4_PREFIX + socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):  # the second: a NUL, or no ASCII
        raise ValueError(f"{text!r} is no IP address") from None


def is_private(ip: bytes) -> bool:
    """RFC 1918, RFC 4193 (fc00::/7), or link-local: Zeek's default idea of a local address."""
    if ip[:12] == IPV4_PREFIX:
        a, b = ip[12], ip[13]
        return a == 10 or (a == 172 and 16 <= b < 32) or (a, b) in {(192, 168), (169, 254)}
    return ip[0] & 0xFE == 0xFC or (ip[0] == 0xFE and ip[1] & 0xC0 == 0x80)


def device_address(text: str) -> str:
    """A device's MAC or IP address as Halia writes it, however it was typed.

    Raises:
        ValueError: it is neither; the text says so.
    """
    pairs = text.replace("-", ":").split(":")
    if len(pairs) == 6 and all(len(p) == 2 and _HEX.issuperset(p) for p in pairs):
        return ":".join(pairs).lower()
    from ipaddress import ip_address  # costs a start 3 ms

    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is no MAC or IP address") from error
