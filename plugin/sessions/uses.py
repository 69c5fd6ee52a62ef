"""Which devices go on using their addresses: a device that ARP has named need not speak it again.

Told is the first IPv4 packet a second of a device from an address that an ARP packet before it
gave to that device. So it costs nothing where no ARP is, and what is told does not depend on how
packets come in pieces. The compiled core does the same (:mod:`plugin.sessions.watch`).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from plugin.addresses import IPV4_PREFIX

if TYPE_CHECKING:
    from plugin.records import Rows

USES = np.dtype([("time", "<i8"), ("mac", "<i4"), ("ip", "u1", (16,))], align=True)
"""A device used an address, as the sender of an IPv4 packet."""
MOST = 20_000
"""Pairs of a device and its address that are remembered; of more, those told last."""
_SECOND = 1_000_000_000


class Uses:
    """Takes a stream's packet records, in their order; memory is bounded."""

    def __init__(self, most: int = MOST) -> None:
        """Start with no device known.

        Args:
            most: Pairs of a device and its address that are remembered.
        """
        self._most = most
        self._told: OrderedDict[tuple[int, bytes], int | None] = OrderedDict()
        """Of each pair, the second that was told last; named or told last stands last."""

    def take(self, rows: Rows) -> Rows:
        """Take ``PACKET`` rows; gives ``USES`` rows, in their order."""
        names = ("time", "src_mac", "arp_op", "arp_sha")
        columns = (rows[name].tolist() for name in names)
        ips = np.ascontiguousarray(rows["src_ip"]).tobytes()
        found = []
        for place, (time, mac, operation, named) in enumerate(zip(*columns, strict=True)):
            ip = ips[16 * place : 16 * place + 16]
            if not ip.startswith(IPV4_PREFIX):
                continue
            if operation and named >= 0:
                self._meet((named, ip))
            elif not operation and self._is_new((mac, ip), time // _SECOND):
                found.append(place)
        uses = np.zeros(len(found), USES)
        for name, column in (("time", "time"), ("mac", "src_mac"), ("ip", "src_ip")):
            uses[name] = rows[column][found]
        return uses

    def _meet(self, pair: tuple[int, bytes]) -> None:
        """Remember what ARP says."""
        self._told.setdefault(pair, None)
        self._told.move_to_end(pair)
        if len(self._told) > self._most:
            self._told.popitem(last=False)

    def _is_new(self, pair: tuple[int, bytes], second: int) -> bool:
        """Whether this is the pair's first use in a second."""
        if pair not in self._told or self._told[pair] == second:
            return False
        self._told[pair] = second
        self._told.move_to_end(pair)
        return True
