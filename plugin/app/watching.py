"""Behaviours on the live stream, in a thread of their own: what it cannot keep up with is left."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import numpy as np

from plugin.capture.scan import Scan
from plugin.core.layout import MAC, PACKET, PCAP_HEADER, SESSION
from plugin.engine import events as ev
from plugin.ml.behaviour import Behaviours
from plugin.records import mac_text
from plugin.sessions.live import LiveSessions

if TYPE_CHECKING:
    from plugin.app.inbox import Inbox
    from plugin.ml.behaviour.parameters import Parameters
    from plugin.traffic import Event

WAITING_BYTES = 64 << 20
"""Of the stream; about 800,000 headers. Beyond it whole pieces are left out, and told."""
MACS_MAX = 200_000
"""Addresses after which the tables are begun anew: forged ones fill them."""
SESSIONS_MAX = 200_000
"""Sessions that are open at once; each takes about 400 bytes, and a scan opens a million."""
_WAIT = 0.2


class Watching:
    """Takes the stream of a capture, puts findings into the inbox."""

    def __init__(self, parameters: Parameters, inbox: Inbox) -> None:
        """Start with nothing seen.

        Args:
            parameters: Of the detectors.
            inbox: Where findings go.
        """
        self._parameters, self._inbox = parameters, inbox
        self._pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self.left_out = 0
        """Bytes of the stream that were not looked at."""
        self._renew = False
        self._begin()

    def begin(self) -> None:
        """Another capture begins: its stream comes with a header of its own."""
        self._pieces.put(b"")

    def use(self, parameters: Parameters) -> None:
        """Look with other parameters; what was seen so far counts no more, if they differ."""
        if parameters != self._parameters:
            self._parameters = parameters
            self._renew = True

    def feed(self, stream: bytes) -> None:
        """Take a piece of the stream; never waits."""
        with self._lock:
            if self._bytes + len(stream) > WAITING_BYTES:
                first = not self.left_out
                self.left_out += len(stream)
            else:
                self._bytes += len(stream)
                self._pieces.put(stream)
                return
        if first:
            text = "the live search for behaviours cannot keep up, and leaves out frames; the"
            self._inbox.put(ev.Noticed("overload", f"{text} captures themselves are whole"))

    def run(self, stopping: threading.Event) -> None:
        """Look at what comes until stopped."""
        while not (stopping.is_set() and self._pieces.empty()):
            try:
                piece = self._pieces.get(timeout=_WAIT)
            except queue.Empty:
                continue
            with self._lock:
                self._bytes -= len(piece)
            self.look(piece)

    def look(self, piece: bytes) -> None:
        """Search one piece of the stream; an empty one begins another stream."""
        if not piece:
            self._begin()
            return
        if self._renew:
            self._renew = False
            self._behaviours = Behaviours(self._parameters)
        if len(self._macs) > MACS_MAX:
            self._begin()
            self._read(PCAP_HEADER)
        self._read(piece)

    def _begin(self) -> None:
        self._scan = Scan(packets=True, max_open=SESSIONS_MAX)
        self._macs: list[str] = []
        self._sessions = LiveSessions(lambda index: self._macs[index])
        self._behaviours = Behaviours(self._parameters)

    def _step(self, event: Event) -> None:
        for found in self._behaviours.step(event):
            self._inbox.put(ev.Behaved(found))

    def _read(self, piece: bytes) -> None:
        for chunk in self._scan.feed(piece):
            new = self._scan.macs(len(self._macs))
            self._macs += [mac_text(row[0]) for row in MAC.struct.iter_unpack(new)]
            events = self._sessions.packets(np.frombuffer(chunk.packets, PACKET.dtype()))
            for event in events:
                self._step(event)
            for closed in self._sessions.sessions(np.frombuffer(chunk.sessions, SESSION.dtype())):
                self._step(closed)
