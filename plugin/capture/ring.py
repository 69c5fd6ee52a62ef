"""A TPACKET_V3 ring: the kernel fills blocks of memory that we read in place, without a call each.

Blocks times the retire time is how long a reader may stand still at low rates; the ring's size over
the rate is how long at high ones. Both are to be some seconds.
"""

from __future__ import annotations

import mmap
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from plugin.capture import bpf
from plugin.capture.packet_socket import (
    PACKET_RX_RING,
    PACKET_VERSION,
    SOL_PACKET,
    TPACKET_V3,
    Counting,
    Link,
    Opening,
    Statistics,
    attach_filter,
    bind,
    check_link,
    open_socket,
)
from plugin.core.layout import DEMUX_DAMAGED, DEMUX_MORE
from plugin.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.core import Demux

_USER = 1  # TP_STATUS_USER: the block is ours
_FRAME = 2048  # the kernel wants a frame size; V3 packs frames without regard to it
_STATUS_AT = 8  # of a block: its hdr.bh1.block_status


class Ring:
    """The ring of one interface."""

    kind = "ring"

    def __init__(self, opening: Opening) -> None:
        """Open it; frames come from now on.

        Raises:
            OptionError: no such interface.
            CaptureError: not permitted, or the kernel has no such ring or memory.
        """
        self._iface = opening.iface
        self._socket = open_socket(opening)
        try:
            self._memory = self._mapped(opening)
            bind(self._socket, opening)
        except OSError as error:
            self._socket.close()
            raise CaptureError(
                f"no capture ring: {error.strerror}",
                where=opening.iface,
                advice="try fewer or smaller blocks",
            ) from error
        view = memoryview(self._memory)
        size = opening.block_size
        self._blocks = [view[i * size : (i + 1) * size] for i in range(opening.blocks)]
        self._status = view.cast("I")
        self._places = [(i * size + _STATUS_AT) // 4 for i in range(opening.blocks)]
        self._at = 0
        self._counting = Counting(self._socket, 3)

    def _mapped(self, opening: Opening) -> mmap.mmap:
        self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        frames = opening.block_size * opening.blocks // _FRAME
        request = struct.pack(
            "=7I", opening.block_size, opening.blocks, _FRAME, frames, opening.retire_ms, 0, 0
        )
        self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
        return mmap.mmap(self._socket.fileno(), opening.block_size * opening.blocks)

    def fileno(self) -> int:
        """The socket, to wait for."""
        return self._socket.fileno()

    def take(self, demux: Demux, relieve: Callable[[int, int], None]) -> bool:
        """Give the demux one block; False = none is ready."""
        at = self._at
        place = self._places[at]
        if not self._status[place] & _USER:
            return False
        block = self._blocks[at]
        where, done, status, device = demux.block(block)
        while status not in {DEMUX_MORE, DEMUX_DAMAGED}:
            relieve(status, device)
            where, done, status, device = demux.block(block, where, done)
        self._status[place] = 0
        self._at = (at + 1) % len(self._blocks)
        return True

    def statistics(self) -> Statistics:
        """The kernel's counters."""
        return self._counting.read()

    def quiesce(self) -> None:
        """Let no more frames in; the open block is handed over after its retire time."""
        attach_filter(self._socket, bpf.all_of(0))

    def check(self) -> Link:
        """How the link is; raise PeerError when the interface has gone."""
        return check_link(self._socket, self._iface)

    def close(self) -> None:
        """Give the memory back."""
        self._status.release()
        for block in self._blocks:
            block.release()
        self._blocks = []
        with suppress(BufferError):  # somebody still looks at a block: the memory goes with him
            self._memory.close()
        self._socket.close()
