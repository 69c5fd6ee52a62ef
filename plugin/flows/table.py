"""Packet records to flows: one for each direction of a TCP or UDP 5-tuple."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin import core
from plugin.flows import by_numpy
from plugin.flows.cut import MIN_PACKETS, check_choice, check_timeouts, cut_idle
from plugin.flows.records import KEY, Flows

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from plugin.flows.cut import Last

TIMEOUT = 600.0
"""Seconds without a packet after which a flow is over: netml's default, of TCP and of UDP."""


class FlowTable:
    """Gathers the packets of flows.

    Packets that are neither TCP nor UDP, later fragments, and packets whose ports were not captured
    have no flow. Frames are looked into as the core does: tags, tunnels of the link and IPv6
    extension headers are skipped.
    """

    def __init__(self, tcp_timeout: float = TIMEOUT, udp_timeout: float = TIMEOUT) -> None:
        """Start empty.

        Args:
            tcp_timeout: seconds without a packet that end a TCP flow.
            udp_timeout: the same of UDP.

        Raises:
            OptionError: a time-out that is not above 0.
        """
        self._timeouts = (tcp_timeout, udp_timeout)
        check_timeouts(self._timeouts)
        self._compiled = core.new_flow_table()
        self._numpy = by_numpy.Gathered()

    def feed(self, packets: Buffer) -> None:
        """Take whole ``PACKET`` records, in order of the capture; nothing of the buffer is kept.

        Raises:
            ValueError: they are not whole.
        """
        (self._compiled or self._numpy).feed(packets)

    def flows(self, min_packets: int = MIN_PACKETS, last: Last = "keep") -> Flows:
        """The flows so far, in order of first sight, each parted where it was idle.

        Args:
            min_packets: flows of fewer packets are left out.
            last: keep or drop the last part of each flow that was parted.

        Raises:
            OptionError: an argument out of its range.
        """
        check_choice(min_packets, last)
        # A flow that is too short has no part that is long enough.
        return cut_idle(self.gathered(min_packets), self._timeouts, min_packets, last)

    def gathered(self, least: int = 1) -> Flows:
        """The packets by flow and time; packets of one time in order of the capture."""
        if self._compiled is None:
            return self._numpy.flows(least)
        keys, starts, time, size, ttl, flags = self._compiled.columns(least)
        return Flows(
            np.frombuffer(keys, KEY),
            np.frombuffer(starts, np.int64),
            np.frombuffer(time, np.int64),
            np.frombuffer(size, np.uint32),
            np.frombuffer(ttl, np.uint8),
            np.frombuffer(flags, np.uint8),
        )
