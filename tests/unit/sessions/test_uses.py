"""Who goes on using an address that ARP gave to him."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.core.layout import PACKET
from plugin.records import Rows
from plugin.sessions.uses import Uses

SECOND = 1_000_000_000
NONE = bytes(16)


def ip(number: int) -> bytes:
    return bytes(10) + b"\xff\xff" + bytes((10, 0, 0, number))


def rows(*packets: tuple[float, int, bytes, bool]) -> Rows:
    """Packets: time in seconds, sender, address, whether it is ARP."""
    found = np.zeros(len(packets), PACKET.dtype())
    found["arp_sha"] = -1
    for row, (time, mac, address, is_arp) in zip(found, packets, strict=True):
        row["time"], row["src_mac"], row["src_ip"] = round(time * SECOND), mac, list(address)
        if is_arp:
            row["arp_op"], row["arp_sha"] = 1, mac
    return found


def told(uses: Uses, *packets: tuple[float, int, bytes, bool]) -> list[tuple[float, int, int]]:
    return [
        (u["time"] / SECOND, int(u["mac"]), int(u["ip"][-1])) for u in uses.take(rows(*packets))
    ]


PACKETS = [
    (0.1, 1, ip(1), False),  # nobody has said yet that it is his
    (0.2, 1, ip(1), True),
    (0.3, 1, ip(1), False),
    (0.9, 1, ip(1), False),  # the same second
    (1.1, 2, ip(1), False),  # another's
    (1.2, 1, ip(2), False),
    (1.3, -1, ip(1), False),
    (1.4, 1, bytes(12) + ip(1)[12:], False),  # IPv6 that ends likewise
    (2.0, 1, ip(1), False),
    (2.1, 2, ip(2), True),
    (2.2, 2, ip(2), False),
    (2.3, 1, ip(1), False),
    (2.4, 2, ip(2), True),
    (3.5, 1, ip(1), False),
    (3.6, 2, ip(2), False),
]
TOLD = [(0.3, 1, 1), (2.0, 1, 1), (2.2, 2, 2), (3.5, 1, 1), (3.6, 2, 2)]


@pytest.mark.parametrize("most", [1, 2, 3, 7, 99])
def test_the_first_packet_of_each_second_is_told_however_they_come(most: int) -> None:
    uses = Uses()
    parts = [PACKETS[begin : begin + most] for begin in range(0, len(PACKETS), most)]
    assert [one for part in parts for one in told(uses, *part)] == TOLD


def test_without_arp_there_is_nothing() -> None:
    assert told(Uses(), (0, 1, ip(1), False)) == []
    assert told(Uses()) == []


def test_of_too_many_those_used_last_are_kept() -> None:
    uses = Uses(most=2)
    assert told(uses, (0, 1, ip(1), True), (0, 2, ip(2), True)) == []
    assert told(uses, (1, 1, ip(1), False)) == [(1, 1, 1)]
    assert told(uses, (2, 3, ip(3), True), (2, 2, ip(2), False)) == []
    both = [(3, 1, ip(1), False), (3, 2, ip(2), False), (3, 3, ip(3), False)]
    assert told(uses, *both) == [(3, 1, 1), (3, 3, 3)]
    assert len(uses._told) == 2
