"""The core: capture bytes in, packet, session and MAC records out, in one pass.

Two implementations, equal on every byte: a C extension, and the plain-Python reference that
stands in where there is no compiler. ``HALIA_CORE=c`` or ``HALIA_CORE=reference`` forces one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from plugin.errors import SettingsError

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Buffer

    RowBuffers: TypeAlias = tuple[Buffer, Buffer, Buffer, int]
    """indptr, indices, data, n_columns of :class:`plugin.ml.matrix.Matrix`."""
    NetBuffers: TypeAlias = tuple[Buffer, Buffer, Buffer, Buffer, Buffer | None]
    """W0, b0, W1, b1, scale of a net, float32."""
    TreeBuffers: TypeAlias = tuple[Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
    """feature, threshold, left, right, value, roots of a forest."""
    FlowBuffers: TypeAlias = tuple[Buffer, Buffer, Buffer, Buffer, Buffer]
    """starts, time, size, ttl, flags of :class:`plugin.flows.records.Flows`."""
    FlowColumns: TypeAlias = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
    """The keys, then the columns of ``FlowBuffers``."""

    Capture: TypeAlias = tuple[Buffer, Buffer, Buffer, Buffer, Buffer]
    """sessions, macs and the fields of ``watched`` of :class:`plugin.records.Capture`."""

    class Loops(Protocol):
        """The compiled loops over models; buffers of :mod:`plugin.ml.role`'s types, in C order.

        Both raise ValueError, and read nothing out of bounds, when buffers do not fit each other or
        a row or node points to where nothing is.
        """

        def net(self, rows: RowBuffers, layers: NetBuffers, out: Buffer, /) -> None:
            """Fill ``out``, (n_rows, n_classes) float64, with a net's probabilities."""

        def forest(
            self, rows: RowBuffers, trees: TreeBuffers, n_classes: int, out: Buffer, /
        ) -> None:
            """Fill ``out``, (n_rows, n_classes) float64, with a forest's probabilities."""

    class FlowTable(Protocol):
        """Packets gathered by flow; :mod:`plugin.flows.by_numpy` tells the details."""

        def feed(self, packets: Buffer, /) -> None:
            """Take ``PACKET`` records."""

        def columns(self, least: int, /) -> FlowColumns:
            """The packets so far by flow, in a flow by time, of one time by order of arrival.

            Flows of fewer than ``least`` packets are left out.
            """

    class Watch(Protocol):
        """Takes packets; :mod:`plugin.sessions.watch` tells the details."""

        def feed(self, packets: Buffer, /) -> tuple[bytes, bytes, bytes]:
            """Take ``PACKET`` records; rows of its ``SECONDS``, ``ARP`` and ``USES`` of them."""

    class FlowLoops(Protocol):
        """The compiled loops over flows; all raise ValueError when buffers do not fit."""

        def flow_parts(
            self,
            starts: Buffer,
            time: Buffer,
            limits: Buffer,
            grid: bool,
            least: int,
            drop: bool,
            /,
        ) -> tuple[bytes, bytes, bytes]:
            """Parts by each flow's longest gap in ns: int64 numbers of flows, begins and ends."""

        def flow_pieces(
            self, begin: Buffer, end: Buffer, columns: tuple[Buffer, Buffer, Buffer, Buffer], /
        ) -> tuple[bytes, bytes, bytes, bytes, bytes]:
            """Starts, time, size, ttl, flags of the packets from each begin to its end."""

        def flow_rows(
            self, flows: FlowBuffers, how: tuple[int, bool, int], width: int, out: Buffer, /
        ) -> None:
            """Fill rows of zeros by (place in ``spec.FEATURES``, header fields, window in ns)."""

    class Sos(Protocol):
        """Stochastic outlier selection; :func:`plugin.core._reference_sos.sos` tells all."""

        def __call__(
            self,
            rows: Buffer,
            n_columns: int,
            settings: tuple[float, bool, float],
            span: tuple[int, int],
            out: tuple[Buffer, Buffer, Buffer],
            /,
        ) -> None:
            """Multiply the bindings of the span's rows into the probabilities of all."""


_SECOND = 1_000_000_000


class Timeouts(NamedTuple):
    """When a session is over, in seconds of packet time. Part of every schema hash."""

    tcp_idle: int = 300
    udp_idle: int = 60
    icmp_idle: int = 60
    other_idle: int = 60
    tcp_active: int = 3600
    udp_active: int = 3600
    icmp_active: int = 3600
    other_active: int = 3600


DEFAULT_TIMEOUTS = Timeouts()
BACKSTEP_SECONDS = 60
"""A packet older than the capture's clock by more than this closes all sessions."""
MAX_OPEN = 2_000_000
MAX_MACS = 1 << 20
DEMUX_BUFFER = 64 << 10
"""Bytes that the demux keeps for a device before they must be taken."""
DEMUX_MEMORY = 64 << 20
"""Bytes of all those buffers together."""


class Engine(Protocol):
    """What both implementations are; :class:`plugin.core._reference.Engine` tells the details."""

    def feed(
        self, data: Buffer, start: int, end: int, packets: Buffer | None, sessions: Buffer | None, /
    ) -> tuple[int, int, int, int]:
        """Take bytes: (consumed, packet records, session records, why it stopped)."""

    def finish(self, sessions: Buffer | None, /) -> tuple[int, int]:
        """Close what is open: (session records, whether that was all)."""

    def next_input(self) -> None:
        """Begin a new file; sessions and MACs go on."""

    def totals(self) -> tuple[int, ...]:
        """The counters named in ``layout.TOTALS``."""

    def macs(self, first: int = 0, /) -> bytes:
        """The MAC records."""

    def links(self) -> list[int]:
        """The link types in order of first sight."""

    def error(self) -> tuple[int, int, int, int, int]:
        """Error number, offset, value, bytes still to skip, format."""


class Demux(Protocol):
    """Frames to the devices they name; :mod:`plugin.core._reference_demux` tells the details."""

    def block(self, data: Buffer, at: int = 0, done: int = 0, /) -> tuple[int, int, int, int]:
        """Take a TPACKET_V3 block: (where to go on, packets taken, why it stopped, device)."""

    def frame(self, time: int, wire: int, data: Buffer, tci: int, tpid: int, /) -> tuple[int, int]:
        """Take one frame: (why it was not taken, device)."""

    def take(self, device: int, /) -> tuple[bytes, int, int, int]:
        """What is kept of a device: (pcap records, how many, earliest, latest time)."""

    def take_stream(self) -> bytes:
        """The stream of all frames since the last call."""

    def pending(self) -> list[int]:
        """The devices of which something is kept."""

    def fresh(self) -> list[int]:
        """The devices that are new since the last call."""

    def devices(self, first: int = 0, count: int = 0xFFFFFFFF, /) -> bytes:
        """The devices' MAC records."""

    def forget(self, device: int, /) -> None:
        """Take a device out; its number will be another's."""

    def totals(self) -> tuple[int, ...]:
        """The counters named in ``layout.DEMUX_TOTALS``."""


def implementation() -> str:
    """``"c"`` or ``"reference"``: the core that :func:`new_engine` uses.

    Raises:
        SettingsError: HALIA_CORE names no core, or the compiled one, which is not there.
    """
    wanted = os.environ.get("HALIA_CORE", "")
    if wanted not in {"", "c", "reference"}:
        raise SettingsError(
            f"HALIA_CORE: {wanted!r} is no core; use c or reference, or leave it out"
        )
    if wanted == "reference":
        return wanted
    try:
        from plugin.core import _core  # noqa: F401 - only whether it is there
    except ImportError as e:
        if wanted == "c":
            raise SettingsError(
                f"HALIA_CORE: c was asked for, but the compiled core is not installed ({e}); "
                "reinstall with a C compiler"
            ) from e
        return "reference"
    return "c"


def new_engine(
    *,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    max_open: int = MAX_OPEN,
    stats: bool = True,
    bare: bool = False,
) -> Engine:
    """A fresh engine.

    Args:
        timeouts: Idle and active time-outs.
        max_open: Open sessions beyond which the oldest are evicted.
        stats: Fill session and packet records; without, only count (twice as fast).
        bare: Packet records without sessions, and of TCP only ports, flags and the header's length;
            not with ``stats``.
    """
    if implementation() == "c":
        from plugin.core._core import Engine as Compiled

        kind: type = Compiled
    else:
        from plugin.core._reference import Engine as Reference

        kind = Reference
    engine: Engine = kind(
        timeouts=tuple(t * _SECOND for t in timeouts),
        backstep=BACKSTEP_SECONDS * _SECOND,
        max_open=max_open,
        max_macs=MAX_MACS,
        seed=os.urandom(48),
        stats=stats,
        bare=bare,
    )
    return engine


def new_demux(
    *,
    max_devices: int,
    stream: int = 0,
    names: bool = False,
    repeat: int = 0,
    memory: int = DEMUX_MEMORY,
) -> Demux:
    """A fresh demux.

    Args:
        max_devices: Devices beyond which a new one gets nothing (counted).
        stream: Bytes of the stream of all frames before it must be taken; 0 = no such stream.
        names: Keep the payloads of DHCP, DHCPv6 and mDNS too.
        repeat: Leave out a frame that equals one so many ns before, once; 0 = none.
        memory: Bytes of all devices' buffers together.
    """
    if implementation() == "c":
        from plugin.core._core import Demux as Compiled

        kind: type = Compiled
    else:
        from plugin.core._reference_demux import Demux as Reference

        kind = Reference
    demux: Demux = kind(
        max_devices=max_devices,
        buffer=DEMUX_BUFFER,
        memory=memory,
        stream=stream,
        names=names,
        repeat=repeat,
        seed=os.urandom(16),
    )
    return demux


def loops() -> Loops | None:
    """The compiled core's loops over models; None when the reference was chosen.

    numpy does the same then: :mod:`plugin.ml.inference`.
    """
    if implementation() == "reference":
        return None
    from plugin.core import _core

    return _core


def sos() -> Sos:
    """Stochastic outlier selection by the core that is in use."""
    if implementation() == "reference":
        from plugin.core import _reference_sos

        return _reference_sos.sos
    from plugin.core import _core

    return _core.sos


def new_watch(ports: bytes, most: int) -> Watch | None:
    """A fresh watch over packets; None when the reference was chosen.

    numpy does the same then: :mod:`plugin.sessions.watch`, which also says what is told.

    Args:
        ports: of all 65,536, 1 = of a service that is abused as an amplifier, 2 = also of tunnels.
        most: pairs of a device and its address that are remembered.
    """
    if implementation() == "reference":
        return None
    from plugin.core import _core

    return _core.Watch(ports, most, os.urandom(16))


def behaviours(rows: Capture, last: int | None, ports: bytes, rules: bytes) -> bytes | None:
    """Judge a whole capture by all behaviours; None when the reference was chosen.

    :mod:`plugin.ml.behaviour` does the same then, event by event.

    Args:
        rows: sessions, MACs, seconds, ARP and uses of a capture.
        last: when it ended, ns.
        ports: of all 65,536, 1 = login, 2 = remote administration, 4 = regular by nature.
        rules: as :mod:`plugin.offline.judged` packs them.

    Returns:
        Findings, as it unpacks them, in order of the events that completed them.

    Raises:
        ValueError: rows that are torn or name a MAC that is not there, or rules out of bounds.
    """
    if implementation() == "reference":
        return None
    from plugin.core import _core

    return _core.behaviours(rows, last, ports, rules, os.urandom(16))


def new_flow_table() -> FlowTable | None:
    """A fresh table of flows; None when the reference was chosen.

    numpy does the same then: :mod:`plugin.flows.by_numpy`.
    """
    if implementation() == "reference":
        return None
    from plugin.core import _core

    return _core.FlowTable(os.urandom(16))


def flow_loops() -> FlowLoops | None:
    """The compiled core's loops over flows; None when the reference was chosen.

    numpy does the same then: :mod:`plugin.flows.by_numpy`.
    """
    if implementation() == "reference":
        return None
    from plugin.core import _core

    return _core
