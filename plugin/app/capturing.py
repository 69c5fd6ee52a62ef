"""The capture of ``halia run``: frames to files, events to the inbox, the stream to behaviours."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from plugin.app.clock import now
from plugin.capture.live import Batch, Counters, LiveCapture, Settings, open_feed
from plugin.engine import events as ev
from plugin.errors import CaptureError, HaliaError, OptionError, OutputError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.app.inbox import Inbox
    from plugin.app.watching import Watching
    from plugin.capture.packet_socket import Feed
    from plugin.capture.trace_files import Finished, TraceFiles

POLL_SECONDS = 0.2
SEEN_SECONDS = 3.0
RETRY_SECONDS = 5.0
_LINK = frozenset({"capture_down", "capture_up"})


class Opened(NamedTuple):
    """What was found in the folder."""

    recovered: list[ev.CaptureFinished]
    """Files that a killed run had left unfinished; they are finished now."""
    kept: list[str]
    """Names of the files that earlier runs finished."""


class Capturing:
    """One interface. :meth:`run` is the work of its thread.

    Args:
        settings: What to capture.
        files: Opened, not started: makes the folder's files; called again after the NIC was away.
        inbox: Where events go.
        stream: Takes the stream of all frames.
    """

    def __init__(
        self,
        settings: Settings,
        files: Callable[[], TraceFiles],
        inbox: Inbox,
        stream: Watching,
    ) -> None:
        self._settings, self._make_files = settings, files
        self._inbox, self._stream = inbox, stream
        self._files: TraceFiles | None = None
        self._capture: LiveCapture | None = None
        self._feed: Feed | None = None
        self._hold = False
        self._lock = threading.Lock()
        self.iface = settings.opening.iface
        self.problem: str | None = None
        """Why nothing is captured now."""
        self.reader: str | None = None
        """How the interface is read; None while it is not."""
        self.counters: Counters | None = None
        """As they were a moment ago."""
        self.sizes = (0, 0, 0)
        """Open files, finished files, bytes of both."""

    def open_interface(self) -> None:
        """Open the interface only, as long as that is permitted; frames wait from now on.

        Raises:
            HaliaError: there is no such interface, or it is not permitted.
        """
        if self._feed is None:
            self._feed = open_feed(self._settings)

    def release(self) -> None:
        """Close an interface that was opened and that no capture has taken."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def open(self) -> Opened:
        """Open interface and folder; frames wait for :meth:`run` from now on.

        Raises:
            HaliaError: there is no such interface, it is not permitted, or the folder is taken.
        """
        self.open_interface()
        try:
            files = self._make_files()
        except HaliaError:
            self.release()
            raise
        try:
            recovered = [_event(one) for one in files.start(now())]
            capture = LiveCapture(self._settings, files, self._feed)
        except HaliaError:
            files.close(now())
            self.release()
            raise
        self._feed = None  # it is the capture's
        with self._lock:
            self._files, files.held = files, self._hold
        self._capture, self.reader, self.problem = capture, capture.kind, None
        self._stream.begin()
        fresh = {one.capture for one in recovered}
        return Opened(recovered, [name for name in files.kept() if name not in fresh])

    def hold(self, *, on: bool) -> None:
        """Finish no file for its age or size, or do so again; from any thread."""
        with self._lock:
            self._hold = on
            if self._files is not None:
                self._files.held = on

    def run(self, stopping: threading.Event) -> None:
        """Capture until stopped; then finish all files."""
        looked = 0.0
        while not stopping.is_set():
            if self._capture is None and not self._reopen(stopping):
                continue
            assert self._capture is not None
            try:
                self._tell(self._capture.poll(now(), POLL_SECONDS))
            except (PeerError, OutputError, CaptureError) as error:
                self.problem = str(error)
                self._inbox.put(ev.Noticed("capture_down", f"nothing is captured: {error}"))
                self._close()
                continue
            if not 0 <= time.monotonic() - looked < SEEN_SECONDS:
                looked = time.monotonic()
                self._look()
        self._close()

    def _look(self) -> None:
        assert self._capture is not None
        latest = self._capture.latest()
        if latest:
            self._inbox.put(ev.CaptureSeen(latest))

    def _reopen(self, stopping: threading.Event) -> bool:
        """Try again after a while; the interface may come back."""
        stopping.wait(RETRY_SECONDS)
        if stopping.is_set():
            return False
        try:
            opened = self.open()
        except HaliaError as error:
            # That the interface has gone was told when it went; another reason is news, once.
            if str(error) != self.problem and not isinstance(error, OptionError):
                self._inbox.put(ev.Noticed("capture_down", f"nothing is captured: {error}"))
            self.problem = str(error)
            return False
        for one in opened.recovered:
            self._inbox.put(one)
        self._inbox.put(
            ev.Noticed("capture_up", f"{self._settings.opening.iface} is captured again")
        )
        return True

    def _close(self) -> None:
        capture, self._capture = self._capture, None
        self.reader = None
        if capture is None:
            return
        try:
            self._tell(capture.stop(now(), time.sleep))
        except (PeerError, OutputError, CaptureError) as error:
            self._inbox.put(ev.Noticed("capture_down", f"the capture did not end well: {error}"))
        self.counters = capture.counters()

    def _tell(self, batch: Batch) -> None:
        if batch.stream:
            self._stream.feed(batch.stream)
        for mac, name in batch.opened:
            self._inbox.put(ev.CaptureOpened(mac, name))
        for one in batch.finished:
            self._inbox.put(_event(one))
        for alarm in batch.alarms:
            if alarm.kind in _LINK:
                self.problem = alarm.text if alarm.kind == "capture_down" else None
            if alarm.kind != "removed":
                self._inbox.put(ev.Noticed(alarm.kind, alarm.text))
        if self._capture is not None and self._files is not None:
            self.counters = self._capture.counters()
            self.sizes = self._files.sizes()


def _event(one: Finished) -> ev.CaptureFinished:
    return ev.CaptureFinished(str(one.path), one.path.name, one.mac, one.missed, one.why)
