"""The two ends of a TCP connection: segments, acknowledgements and the end of it, without loss.

A segment carries at most 1,460 bytes; every second one is acknowledged at once, others after 40 ms
or with what goes back (RFC 1122, 4.2.3.2); a cable takes 100 Mbit/s.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

from plugin.lab import packets
from plugin.lab.rehearsal.network import DELAY

if TYPE_CHECKING:
    from contextvars import Context

    from plugin.lab.rehearsal.network import Network, Place

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SEGMENT = 1460
LATE_ACK = 0.04
BYTES_A_SECOND = 12_500_000
_HEADERS = 54
_WINDOW = 64_240
_END = b""
_MSS = b"\x02\x04\x05\xb4"


class End(asyncio.Transport):
    """One end; :attr:`other` is joined to it before either is used."""

    def __init__(
        self, network: Network, me: Place, peer: Place, protocol: Any, context: Context, number: int
    ) -> None:
        super().__init__()
        self.other: End = self
        self.me, self.peer, self.protocol, self.context = me, peer, protocol, context
        self.sent, self.got = number, 0
        """Sequence numbers of the next byte each way."""
        self._network, self._loop = network, network.loop
        self._free = 0.0
        """When the cable is free again."""
        self._unacknowledged = 0
        self._late: asyncio.TimerHandle | None = None
        self._paused = False
        self._held: deque[bytes] = deque()
        """What arrived while nobody read; nothing stands for the end."""
        self._closing = self._gone = False

    def say(self, flags: int, content: bytes = b"", at: float | None = None) -> None:
        """Send a segment."""
        options = _MSS if flags & SYN else b""
        words = (self.me.port, self.peer.port, self.sent & 0xFFFFFFFF, self.got & 0xFFFFFFFF)
        length = (20 + len(options)) // 4 << 4
        # The sum is left to the NIC, as kernels do.
        head = struct.pack(">HHIIBBHHH", *words, length, flags, _WINDOW, 0, 0) + options
        when = self._loop.time() if at is None else at
        ends = self.me.address, self.peer.address
        self._network.pass_on(when, ends, packets.TCP, head + content)
        self.sent += len(content) + (1 if flags & (SYN | FIN) else 0)
        self._unacknowledged = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        if self._closing or self._gone or not data:
            return
        at = max(self._loop.time(), self._free)
        content = bytes(data)
        for begin in range(0, len(content), SEGMENT):
            part = content[begin : begin + SEGMENT]
            last = begin + SEGMENT >= len(content)
            at += (len(part) + _HEADERS) / BYTES_A_SECOND
            self.say(ACK | PSH if last else ACK, part, at)
            self._loop.call_at(at + DELAY, self.other.take, part, context=self.other.context)
        self._free = at

    def take(self, part: bytes) -> None:
        """Get bytes: they are acknowledged, now or soon, and given to who reads."""
        if self._gone:
            self._refuse()
            return
        self.got += len(part)
        self._unacknowledged += 1
        if self._unacknowledged > 1:
            self.say(ACK)
        elif self._late is None:
            self._late = self._loop.call_later(LATE_ACK, self._acknowledge)
        self._give(part)

    def close(self) -> None:
        """End it, after all that was written."""
        if self._closing or self._gone:
            return
        self._closing = True
        # Behind the last byte, on the cable too.
        at = max(self._loop.time(), self._free) + _HEADERS / BYTES_A_SECOND
        self._loop.call_at(at, self._finish, context=self.context)

    def abort(self) -> None:
        """End it at once."""
        if not self._gone:
            self.say(RST | ACK)
            self._lose(None)
            self._loop.call_later(DELAY, self.other.reset, context=self.other.context)

    def reset(self) -> None:
        """The other one is not there any more."""
        self._lose(ConnectionResetError(104, "reset by the peer"))

    def hear_end(self) -> None:
        """The other one has ended."""
        self.got += 1
        self.say(ACK)
        if not self._gone:
            self._give(_END)

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self._paused = True

    def resume_reading(self) -> None:
        """Give what was kept."""
        self._paused = False
        while self._held and not self._paused:
            self._hand_over(self._held.popleft())

    def is_closing(self) -> bool:
        """Whether it ends or has ended."""
        return self._closing or self._gone

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell nothing of sockets: there are none."""
        del name
        return default

    def _give(self, part: bytes) -> None:
        if self._paused or self._held:
            self._held.append(part)
        else:
            self._hand_over(part)

    def _hand_over(self, part: bytes) -> None:
        if part:
            self.protocol.data_received(part)
        elif not self._closing and not self._gone and not self.protocol.eof_received():
            self.close()

    def _finish(self) -> None:
        if self._gone:
            return
        self.say(FIN | ACK)
        self._loop.call_later(DELAY, self.other.hear_end, context=self.other.context)
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self._gone:
            self._gone = True
            self._loop.call_soon(self.protocol.connection_lost, error, context=self.context)

    def _refuse(self) -> None:
        """Bytes for one who has gone."""
        self.say(RST)
        self._loop.call_later(DELAY, self.other.reset, context=self.other.context)

    def _acknowledge(self) -> None:
        self._late = None
        if self._unacknowledged:
            self.say(ACK)
