"""Captures read whole: counted, as a stream of session rows, or as arrays.

The composition root of the offline commands: it joins the files (``capture.source``) with the core.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plugin.capture.links import not_decoded
from plugin.capture.scan import Scan
from plugin.capture.source import Source, find_captures, open_source
from plugin.core import DEFAULT_TIMEOUTS, Timeouts
from plugin.core.layout import MAC, PACKET, SESSION
from plugin.errors import CaptureError, InputError, install_extra
from plugin.records import Capture, Problem, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray
    from scapy.packet import Packet as ScapyPacket


__all__ = [
    "SessionStream",
    "Summary",
    "find_captures",
    "from_scapy",
    "iter_captures",
    "read_capture",
    "remark",
    "summarise",
]


class Summary(NamedTuple):
    """What ``halia info`` tells of one file."""

    source: str
    totals: Totals
    problem: Problem | None


def summarise(
    path: Path | str,
    *,
    progress: Callable[[int], None] | None = None,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> Summary:
    """Count a capture: the cheapest full pass, no numpy.

    Args:
        path: The capture, ``-`` for standard input.
        progress: Called with the bytes of the file taken so far.
        timeouts: When a session is over.

    Raises:
        CaptureError: it cannot be opened. (What is wrong inside comes as ``problem``.)
    """
    scan = Scan(stats=False, timeouts=timeouts)
    with open_source(Path(path)) as source:
        for _ in scan.read(source, progress):
            raise AssertionError("a counting pass hands out no records")
        return Summary(source=source.name, totals=scan.totals(), problem=scan.problem)


class SessionStream:
    """A capture's session records as sessions end; memory is O(open sessions), no numpy.

    Iterating gives session records (valid until the next step) and the MAC records of the indices
    that are new since the step before (their counters are as of now). The records are bytes:
    ``plugin.sessions.state.iter_rows`` unpacks them, ``plugin.sessions.rows.session_fields`` gives
    what ``halia sessions --json`` shows of one (docs/library.md has an example). After that,
    ``summary`` tells the totals and the problem, if there was one.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        progress: Callable[[int], None] | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        """Take the arguments of :func:`summarise`; nothing is opened yet."""
        self._path = Path(path)
        self._progress = progress
        self._timeouts = timeouts
        self.summary: Summary | None = None

    def __iter__(self) -> Iterator[tuple[memoryview, bytes]]:
        """Read the capture.

        Raises:
            CaptureError: it cannot be opened.
        """
        scan, known = Scan(timeouts=self._timeouts), 0
        with open_source(self._path) as source:
            for chunk in chain(scan.read(source, self._progress), scan.finish()):
                new = scan.macs(known)
                known += len(new) // MAC.size
                yield chunk.sessions, new
            name = source.name
        self.summary = Summary(source=name, totals=scan.totals(), problem=scan.problem)


def read_capture(
    path: Path | str,
    *,
    packets: bool = False,
    watched: bool = False,
    progress: Callable[[int], None] | None = None,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> Capture:
    """Read a whole capture into arrays.

    Args:
        path: The capture, ``-`` for standard input.
        packets: Keep the packet records too (128 bytes a packet).
        watched: Keep what behaviours are told from besides sessions.
        progress: Called with the bytes of the file taken so far.
        timeouts: When a session is over.

    Returns:
        Sessions in order of id, MACs in order of index, packets in order of the file. A torn
        capture keeps what came before the tear and says so in ``problem``.

    Raises:
        CaptureError: it cannot be opened, or is no capture at all.
    """
    with open_source(Path(path)) as source:
        capture = _read(
            source, packets=packets, watched=watched, progress=progress, timeouts=timeouts
        )
    problem = capture.problem
    if problem is not None and not capture.totals.packets and not problem.cut_short:
        raise CaptureError(problem.reason, where=problem.source, offset=problem.offset)
    return capture


def iter_captures(
    paths: Iterable[Path | str],
    *,
    packets: bool = False,
    watched: bool = False,
    skipped: Callable[[Path, int], None] | None = None,
) -> Iterator[Capture | CaptureError]:
    """Read captures one by one, directories searched; a bad one comes as its error.

    Args:
        paths: Files and directories.
        packets: Keep the packet records too.
        watched: Keep what behaviours are told from besides sessions.
        skipped: Called after each directory with the number of its files that are no captures.

    Raises:
        CaptureError: a directory holds no capture.
    """
    for path in find_captures(map(Path, paths), skipped=skipped):
        try:
            yield read_capture(path, packets=packets, watched=watched)
        except CaptureError as error:
            yield error


def remark(source: str, totals: Totals) -> str:
    """What to say of a capture that is right and gives nothing: one line, empty if all is well."""
    if not totals.linktypes:
        return "" if totals.packets else f"{source}: is empty: no packets, no link type"
    strange = not_decoded(totals.linktypes)
    if not strange:
        return ""
    what = f"link type{'s' if len(strange) > 1 else ''} {', '.join(strange)}"
    return f"{source}: {what}: not decoded, so there are no sessions or devices of its packets"


def from_scapy(packets: Iterable[ScapyPacket], *, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> Capture:
    """Read scapy packets (needs scapy) as if they had been captured.

    Args:
        packets: Packets whose first layer scapy can write to a pcap (Ethernet, raw IP …), all of
            one link type. Their ``time`` is kept to the nanosecond.
        timeouts: When a session is over.

    Returns:
        The capture, packet records included; its source is ``"scapy"``.

    Raises:
        InputError: scapy is not installed.
    """
    import io

    try:
        from scapy.utils import PcapWriter
    except ImportError as error:
        raise InputError(
            "needs scapy", where="from_scapy", advice=install_extra("scapy")
        ) from error

    stream = io.BytesIO()
    writer = PcapWriter(stream, nano=True, sync=True)
    for number, packet in enumerate(packets):
        if not number:
            writer.write_header(packet)
        # Left to itself the writer passes the time through a float, which has no nanoseconds left.
        seconds, nanos = divmod(round(packet.time * 10**9), 10**9)
        writer.write_packet(packet, sec=seconds, usec=nanos)
    stream.seek(0)
    size = len(stream.getvalue())
    source = Source("scapy", size, stream.readinto, stream.tell)
    return _read(source, packets=True, watched=True, progress=None, timeouts=timeouts)


def _read(
    source: Source,
    *,
    packets: bool,
    watched: bool,
    progress: Callable[[int], None] | None,
    timeouts: Timeouts,
) -> Capture:
    import numpy as np

    from plugin.sessions.watch import Watch

    scan = Scan(packets=packets or watched, timeouts=timeouts)
    rows, frames = bytearray(), bytearray()
    watch = Watch() if watched else None
    chunk = None
    for chunk in scan.read(source, progress):
        rows += chunk.sessions
        if packets:
            frames += chunk.packets
        if watch is not None:
            watch.take(np.frombuffer(chunk.packets, PACKET.dtype()))
    for chunk in scan.finish():
        rows += chunk.sessions
    totals, macs = scan.totals(), np.frombuffer(scan.macs(), MAC.dtype())
    problem = scan.problem
    del scan, chunk  # the sessions that were open at the end take as much memory again
    return Capture(
        source=source.name,
        totals=totals,
        sessions=_by_id(np.frombuffer(rows, SESSION.dtype())),
        macs=macs,
        packets=np.frombuffer(frames, PACKET.dtype()) if packets else None,
        problem=problem,
        watched=None if watch is None else watch.seen(),
    )


def _by_id(sessions: NDArray[np.void]) -> NDArray[np.void]:
    """Sessions in order of id; those that are so already (all were open at the end) uncopied."""
    ids = sessions["id"]
    if (ids[1:] > ids[:-1]).all():
        return sessions
    ordered: NDArray[np.void] = sessions[ids.argsort()]
    return ordered
