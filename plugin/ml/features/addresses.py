"""Which addresses are inside, on arrays of 16-byte addresses (IPv4 as ``::ffff:a.b.c.d``).

Two rules. :func:`local`, Halia's own, by the RFCs; :func:`classic_private`, what NetworkML's
code 0.2 to 0.4 took for private (string tests on the printed address). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_V4_HIGH = 0
_V4_TAG = 0xFFFF
_V6_GROUP = 0xFF  # first byte of a multicast address
_V6_LINK = 0xFE80  # first group of a link-local address
_V6_UNIQUE = 0xFD  # first byte of a locally assigned unique local address


def words(addresses: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """(n, 16) bytes in network order as two (n,) 64-bit numbers, high and low half."""
    halves = np.ascontiguousarray(addresses).view(">u8").astype(np.uint64)
    return halves[:, 0], halves[:, 1]


def is_v4(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(n,) which addresses are IPv4-mapped."""
    mapped: NDArray[np.bool_] = (high == _V4_HIGH) & ((low >> np.uint64(32)) == _V4_TAG)
    return mapped


def _v4_in(v4: NDArray[np.uint32], *nets: tuple[int, int]) -> NDArray[np.bool_]:
    """Inside one of the nets, each (first address, prefix length)."""
    found = np.zeros(len(v4), np.bool_)
    for net, length in nets:
        shift = np.uint32(32 - length)
        found |= (v4 >> shift) == (net >> int(shift))
    return found


_RFC1918 = ((0x0A000000, 8), (0xAC100000, 12), (0xC0A80000, 16))
_V4_LINK = (0xA9FE0000, 16)
_V4_LOCAL = (*_RFC1918, _V4_LINK, (0x7F000000, 8))
_V4_GROUP = ((0xE0000000, 4), (0xFFFFFFFF, 32))


def groups(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) multicast (224/4, ff00::/8) or the limited broadcast."""
    high, low = words(addresses)
    v4 = (low & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return np.where(is_v4(high, low), _v4_in(v4, *_V4_GROUP), (high >> np.uint64(56)) == _V6_GROUP)


def local(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) which addresses are inside, for the external share.

    Inside: RFC 1918, 169.254/16, 127/8, fc00::/7, fe80::/10, ::1; and, because such packets do
    not leave the site, multicast, the limited broadcast and the unspecified address (0.0.0.0,
    ::). A subnet's directed broadcast is inside when the subnet is. Everything else is not,
    100.64/10 (carrier NAT) included.
    """
    high, low = words(addresses)
    v4 = (low & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    inside4 = _v4_in(v4, *_V4_LOCAL, *_V4_GROUP, (0, 32))
    inside6 = (high >> np.uint64(57)) == (0xFC >> 1)
    inside6 |= (high >> np.uint64(54)) == (_V6_LINK >> 6)
    inside6 |= (high >> np.uint64(56)) == _V6_GROUP
    inside6 |= (high == 0) & (low <= 1)
    return np.where(is_v4(high, low), inside4, inside6)


def link_local(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) which addresses a host gives itself for its own link: 169.254/16 and fe80::/10."""
    high, low = words(addresses)
    v4 = (low & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return np.where(
        is_v4(high, low), _v4_in(v4, _V4_LINK), (high >> np.uint64(54)) == _V6_LINK >> 6
    )


def classic_private(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) private as NetworkML 0.2 to 0.4.8 decided it, by string tests.

    First label 10, then 192.168, 172.16 to 172.31; a first IPv6 group that prints as ``fe80``,
    or that begins with the letters ``fd`` (so 0xfd, 0xfd0-0xfdf and 0xfd00-0xfdff). Loopback,
    169.254/16, fc00::/8, multicast, broadcast and 100.64/10 are not private.
    """
    high, low = words(addresses)
    v4 = (low & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    first = (high >> np.uint64(48)).astype(np.uint32)
    inside6 = first == _V6_LINK
    for shift in (0, 4, 8):
        inside6 |= (first >> shift) == _V6_UNIQUE
    return np.where(is_v4(high, low), _v4_in(v4, *_RFC1918), inside6)
