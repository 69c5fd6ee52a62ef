"""A plain packet socket, for kernels without a ring: a call for each frame, tags beside it."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from plugin.capture import bpf
from plugin.capture.packet_socket import (
    PACKET_AUXDATA,
    SOL_PACKET,
    SOL_SOCKET,
    Counting,
    Link,
    Opening,
    Statistics,
    attach_filter,
    bind,
    check_link,
    open_socket,
)
from plugin.core.layout import DEMUX_MORE
from plugin.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.core import Demux

_SO_TIMESTAMPNS = 35  # its message has the same number
_SO_RCVBUFFORCE = 33
_VLAN_VALID, _TPID_VALID = 16, 64
_auxdata = struct.Struct("=IIIHHHH")  # status, len, snaplen, mac, net, tci, tpid
_timespec = struct.Struct("@qq")
_SECOND = 1_000_000_000
_AT_ONCE = 512
"""Frames between two looks at the clock and at what must be written."""


def read_messages(messages: Iterable[tuple[int, int, bytes]]) -> tuple[int, int, int, int]:
    """What comes beside a frame: time in ns, wire length, tag (each -1 = none), its EtherType."""
    time, wire, tci, tpid = -1, -1, -1, 0x8100
    for level, kind, body in messages:
        if level == SOL_PACKET and kind == PACKET_AUXDATA and len(body) >= _auxdata.size:
            status, wire, _, _, _, tag, protocol = _auxdata.unpack_from(body)
            if status & _VLAN_VALID:
                tci = tag
                tpid = protocol if status & _TPID_VALID else tpid
        elif level == SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(body) >= _timespec.size:
            seconds, nanoseconds = _timespec.unpack_from(body)
            time = seconds * _SECOND + nanoseconds
    return time, wire, tci, tpid


class Plain:
    """The plain socket of one interface."""

    kind = "plain"

    def __init__(self, opening: Opening) -> None:
        """Open it; frames come from now on.

        Raises:
            OptionError: no such interface.
            CaptureError: not permitted.
        """
        self._iface = opening.iface
        self._socket = open_socket(opening)
        try:
            self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self._socket.setsockopt(SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._widen(opening.blocks * opening.block_size)
            self._socket.setblocking(False)
            bind(self._socket, opening)
        except OSError as error:
            self._socket.close()
            raise CaptureError(f"no capture: {error.strerror}", where=opening.iface) from error
        self._frame = bytearray(max(opening.snaplen, opening.names))
        self._view = memoryview(self._frame)
        self._counting = Counting(self._socket, 2)
        self._last = 0

    def _widen(self, size: int) -> None:
        """As much room for frames that wait as the ring would have; less if that is not ours."""
        try:
            self._socket.setsockopt(SOL_SOCKET, _SO_RCVBUFFORCE, size)
        except PermissionError:
            self._socket.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, size)

    def fileno(self) -> int:
        """The socket, to wait for."""
        return self._socket.fileno()

    def take(self, demux: Demux, relieve: Callable[[int, int], None]) -> bool:
        """Give the demux up to 512 frames; False = none was there."""
        for number in range(_AT_ONCE):
            try:
                size, messages, _, _ = self._socket.recvmsg_into([self._frame], 256)
            except BlockingIOError:
                return number > 0
            time, wire, tci, tpid = read_messages(messages)
            if time < 0:
                time = self._last  # no stamp came with it: as the frame before
            self._last = time
            data = self._view[:size]
            status, device = demux.frame(time, max(wire, size), data, tci, tpid)
            while status != DEMUX_MORE:
                relieve(status, device)
                status, device = demux.frame(time, max(wire, size), data, tci, tpid)
        return True

    def statistics(self) -> Statistics:
        """The kernel's counters."""
        return self._counting.read()

    def quiesce(self) -> None:
        """Let no more frames in."""
        attach_filter(self._socket, bpf.all_of(0))

    def check(self) -> Link:
        """How the link is; raise PeerError when the interface has gone."""
        return check_link(self._socket, self._iface)

    def close(self) -> None:
        """End it."""
        self._socket.close()
