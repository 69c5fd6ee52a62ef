"""A recorded capture as the feed of a live one: frames come when a clock says that they came."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from plugin.capture.packet_socket import Link, Statistics
from plugin.capture.source import open_source
from plugin.core._reference_container import Container, DamagedError
from plugin.core.layout import DEMUX_MORE, ERRORS
from plugin.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plugin.core import Demux
    from plugin.core._reference_container import Record

_BLOCK = 1 << 20
_ETHERNET = 1
Frame = tuple[int, int, bytes]
"""Time in ns, bytes on the wire, what was captured of them."""


def frames(path: Path) -> Iterator[Frame]:
    """The Ethernet frames of a capture, in its order; a torn end is passed over.

    Frames without a time get that of the frame before.

    Raises:
        CaptureError: it cannot be opened, is no capture, or breaks in its middle.
    """
    container, rest, last = Container(), b"", 0
    with open_source(path) as source:
        buffer = bytearray(_BLOCK)
        while got := source.read_into(memoryview(buffer)):
            rest += buffer[:got]
            at = 0
            while (record := _step(container, rest, at, path)) is not None:
                if isinstance(record, int):
                    at = record
                    continue
                start, captured, wire, time, link, _, at = record
                last = last if time is None else time
                if link == _ETHERNET:
                    yield last, wire, rest[start : start + captured]
            rest = rest[at:]


def _step(container: Container, data: bytes, at: int, path: Path) -> Record | int | None:
    try:
        return container.step(data, at, len(data))
    except DamagedError as error:
        reason = ERRORS[error.number].format(value=error.value)
        raise CaptureError(reason, where=str(path)) from error


class Recorded:
    """Frames of a capture up to a time that moves on: see :class:`plugin.capture.live.Feed`."""

    kind = "recorded"

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            CaptureError: it cannot be opened, or is no capture.
        """
        self._frames = frames(path)
        self._next = next(self._frames, None)
        self._until = 0
        self._packets = 0
        self._event = os.eventfd(0)

    @property
    def next_ns(self) -> int | None:
        """When the next frame comes; None after the last."""
        return None if self._next is None else self._next[0]

    def until(self, ns: int) -> None:
        """Let frames up to this time come."""
        self._until = ns

    def fileno(self) -> int:
        """Something to wait for in vain: frames are there or not."""
        return self._event

    def take(self, demux: Demux, relieve: Callable[[int, int], None]) -> bool:
        """Give the demux all frames that have come."""
        taken = False
        while self._next is not None and self._next[0] <= self._until:
            time, wire, data = self._next
            status, device = demux.frame(time, max(wire, len(data)), data, -1, 0)
            while status != DEMUX_MORE:
                relieve(status, device)
                status, device = demux.frame(time, max(wire, len(data)), data, -1, 0)
            self._packets += 1
            self._next = next(self._frames, None)
            taken = True
        return taken

    def statistics(self) -> Statistics:
        """All frames, none dropped."""
        return Statistics(self._packets)

    def quiesce(self) -> None:
        """Let no more frames come."""
        self._next = None

    def check(self) -> Link:
        """A recorded interface does not go away."""
        return Link.UP

    def close(self) -> None:
        """End it."""
        os.close(self._event)
