"""libpcap's link types by number, as capture tools name them (https://www.tcpdump.org/linktypes.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = {
    0: "null",
    1: "ethernet",
    6: "token-ring",
    7: "arcnet",
    8: "slip",
    9: "ppp",
    10: "fddi",
    12: "raw",
    14: "raw",
    50: "ppp-hdlc",
    51: "ppp-ether",
    100: "atm-rfc1483",
    101: "raw",
    104: "c-hdlc",
    105: "ieee802.11",
    107: "frelay",
    108: "loop",
    113: "linux-sll",
    117: "pflog",
    119: "ieee802.11-prism",
    127: "ieee802.11-radiotap",
    147: "user0",
    189: "usb-linux",
    192: "ppi",
    197: "erf",
    220: "usb-linux-mmapped",
    228: "ipv4",
    229: "ipv6",
    239: "nflog",
    253: "netlink",
    276: "linux-sll2",
}
"""Only names; which of them are decoded is the core's matter (see docs/algorithms.md)."""

DECODED = frozenset({0, 1, 9, 12, 14, 50, 101, 104, 108, 113, 228, 229, 276})
"""Link types whose packets the core decodes; of others it counts packets and bytes."""


_READ = frozenset(NAMES[number] for number in DECODED)


def not_decoded(names: Iterable[str]) -> list[str]:
    """Those of the named link types whose packets are counted and not looked into."""
    return [name for name in names if name not in _READ]


def link_name(number: int) -> str:
    """The name of a link type, ``linktype-N`` if we have none."""
    return NAMES.get(number, f"linktype-{number}")
