"""An AF_PACKET socket on one interface: what both ways of reading it share (packet(7)).

It is bound last, so that it sees no frame before its filter stands.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from plugin.capture import bpf
from plugin.errors import CaptureError, OptionError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.core import Demux

SOL_PACKET, SOL_SOCKET = 263, socket.SOL_SOCKET
PACKET_ADD_MEMBERSHIP, PACKET_RX_RING, PACKET_STATISTICS = 1, 5, 6
PACKET_AUXDATA, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 8, 10, 23
TPACKET_V3 = 2
_SO_ATTACH_FILTER = 26
_PROMISCUOUS = 1
_ETH_P_ALL = 3
_SIOCGIFFLAGS, _SIOCGIFHWADDR = 0x8913, 0x8927
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_ETHERNET_LIKE = frozenset({1, 772})  # ARPHRD_ETHER, ARPHRD_LOOPBACK
FILTER_STEP = 8  # bytes of a struct sock_filter


class Opening(NamedTuple):
    """How to read an interface."""

    iface: str
    snaplen: int = 192
    """Bytes of a frame that the kernel copies: link, IPv6 with an extension, TCP with options."""
    names: int = 0
    """Bytes of a frame that tells names (DHCP, mDNS); 0 = as of any other."""
    promiscuous: bool = True
    outgoing: bool = False
    """Take the frames that this machine sends too."""
    blocks: int = 256
    block_size: int = 256 << 10
    retire_ms: int = 20
    """A block is handed over when it is full, or so long after its first frame."""


class Statistics(NamedTuple):
    """What the kernel says since the socket was opened."""

    packets: int = 0
    """Frames that passed the filter, dropped ones included."""
    drops: int = 0
    freezes: int = 0
    """How often the ring was full."""


class Link(Enum):
    """Whether frames can come."""

    UP = "is up"
    DOWN = "is down"
    """Somebody has set it so."""
    NO_CARRIER = "has no carrier"
    """Nothing is at its other end."""


class Feed(Protocol):
    """An open interface: a ring of blocks, or a plain socket."""

    kind: str

    def fileno(self) -> int:
        """The socket, to wait for."""

    def take(self, demux: Demux, relieve: Callable[[int, int], None]) -> bool:
        """Give the demux what is there, a piece at a time; False = nothing was there.

        Args:
            demux: who takes it.
            relieve: called with why the demux stopped and which device is full; it then goes on.
        """

    def statistics(self) -> Statistics:
        """The kernel's counters."""

    def quiesce(self) -> None:
        """Let no more frames in; what came before can still be taken."""

    def check(self) -> Link:
        """How the link is; raise PeerError when the interface has gone."""

    def close(self) -> None:
        """End it."""


def open_socket(opening: Opening) -> socket.socket:
    """A packet socket with its filter, not yet bound.

    Raises:
        OptionError: no such interface, or it is no Ethernet.
        CaptureError: this user may not capture.
    """
    check_interface(opening.iface)
    try:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError as error:
        raise CaptureError(
            "capturing is not permitted",
            where=opening.iface,
            advice="run it as root (with --user), or give Python the capability CAP_NET_RAW",
        ) from error
    if opening.names:
        attach_filter(raw, bpf.headers_and_names(opening.snaplen, opening.names))
    else:
        attach_filter(raw, bpf.all_of(opening.snaplen))
    if not opening.outgoing:
        try:
            raw.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        except OSError as error:  # before Linux 4.20
            if error.errno != errno.ENOPROTOOPT:
                raise
    return raw


def bind(raw: socket.socket, opening: Opening) -> None:
    """Let the frames in."""
    index = socket.if_nametoindex(opening.iface)
    if opening.promiscuous:
        request = struct.pack("iHH8s", index, _PROMISCUOUS, 0, b"")
        raw.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)
    raw.bind((opening.iface, _ETH_P_ALL))


def attach_filter(raw: socket.socket, program: bytes) -> None:
    """Put a filter in place of the one there is."""
    steps = ctypes.create_string_buffer(program, len(program))
    whole = struct.pack("@HP", len(program) // FILTER_STEP, ctypes.addressof(steps))
    raw.setsockopt(SOL_SOCKET, _SO_ATTACH_FILTER, whole)


def check_interface(iface: str) -> None:
    """Refuse what is no interface, or none whose frames are Ethernet's.

    Raises:
        OptionError: so it is.
    """
    try:
        socket.if_nametoindex(iface)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            request = struct.pack("16s24x", iface.encode())
            answer = fcntl.ioctl(asker.fileno(), _SIOCGIFHWADDR, request)
    except (OSError, struct.error) as error:
        known = ", ".join(name for _, name in socket.if_nameindex())
        raise OptionError(
            "no such interface", where=f"--iface {iface}", advice=f"there are: {known}"
        ) from error
    (kind,) = struct.unpack_from("=H", answer, 16)
    if kind not in _ETHERNET_LIKE:
        raise OptionError(f"is no Ethernet (its type is {kind})", where=f"--iface {iface}")


def check_link(raw: socket.socket, iface: str) -> Link:
    """Tell a link that is down, which may come back, from an interface that has gone.

    Raises:
        PeerError: it has gone.
    """
    raw.getsockopt(SOL_SOCKET, socket.SO_ERROR)  # reading it clears it
    try:
        request = fcntl.ioctl(raw.fileno(), _SIOCGIFFLAGS, struct.pack("16s24x", iface.encode()))
    except OSError as error:
        raise PeerError("the interface has gone", where=iface) from error
    # The kernel unbinds a socket from an interface that goes, and says no error if it was down.
    if raw.getsockname()[0] != iface:
        raise PeerError("the interface has gone; another one has its name", where=iface)
    (flags,) = struct.unpack_from("=H", request, 16)
    if not flags & _IFF_UP:
        return Link.DOWN
    return Link.UP if flags & _IFF_RUNNING else Link.NO_CARRIER


class Counting:
    """Adds up the kernel's counters, which reading sets to 0."""

    def __init__(self, raw: socket.socket, size: int) -> None:
        """Count for a socket whose statistics have so many fields of 4 bytes."""
        self._raw, self._size = raw, size
        self._sum = Statistics()

    def read(self) -> Statistics:
        """The sums so far."""
        got = self._raw.getsockopt(SOL_PACKET, PACKET_STATISTICS, 4 * self._size)
        fresh = struct.unpack_from(f"={len(got) // 4}I", got)
        packets, drops, freezes = (*fresh, 0)[:3]
        s = self._sum
        self._sum = Statistics(s.packets + packets, s.drops + drops, s.freezes + freezes)
        return self._sum
