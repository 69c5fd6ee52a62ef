"""The records that the core writes: one fixed little-endian layout for each.

Both cores (the C extension and the plain-Python reference) fill buffers of these
records; whoever needs arrays looks at the same bytes through numpy without a copy.
This file never touches the network, a file or a clock.

Field formats are those of :mod:`struct`. Times are nanoseconds since 1970-01-01 UTC,
lengths are bytes on the wire (never captured bytes), addresses are 16 bytes in network
order with IPv4 as ``::ffff:a.b.c.d``. MAC fields hold an index into the MAC table, or -1.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

WIRE_LEN_MAX = 65_550
"""Wire lengths are clipped here: one damaged record must not outweigh a capture."""

NO_VLAN = -1
NO_MAC = -1
NO_SESSION = -1

# `direction` of a packet in its session.
ORIG, RESP, NO_DIRECTION = 0, 1, 255

# `marks` of a packet.
MARK_BROADCAST = 1  # to the link's broadcast address
MARK_MULTICAST = 2  # to a link multicast address (broadcast not included)
MARK_FRAGMENT = 4  # any IP fragment (first or later)
MARK_LATER_FRAGMENT = 8  # a fragment without the L4 header
MARK_TRUNCATED = 16  # headers end beyond the captured bytes, or lengths contradict them
MARK_NO_TIME = 32  # pcapng simple packet block: the time is that of the packet before
MARK_IP_MULTICAST = 64  # IP destination is multicast or limited broadcast

# `layers`: what stood between the link header and IP.
LAYER_VLAN, LAYER_QINQ, LAYER_MPLS, LAYER_PPPOE, LAYER_LLC, LAYER_PBB, LAYER_IPV6_EXT = (
    1, 2, 4, 8, 16, 32, 64,
)  # fmt: skip

# `tcp_options`.
OPT_MSS, OPT_WSCALE, OPT_SACK_OK, OPT_SACK, OPT_TIMESTAMP, OPT_NOP, OPT_EOL, OPT_OTHER = (
    1, 2, 4, 8, 16, 32, 64, 128,
)  # fmt: skip

# `end_reason` of a session.
END_OPEN = 0  # still open when the input ended
END_IDLE = 1  # nothing for the idle time-out
END_ACTIVE = 2  # older than the active time-out
END_CLOSED = 3  # TCP: closed, then a new SYN on the same ports
END_CLOCK = 4  # the capture's clock stepped back
END_EVICTED = 5  # too many open sessions
END_NAMES = ("open", "idle", "active", "closed", "clock", "evicted")

# Time-out classes, in the order in which the core takes them.
TIMEOUT_CLASSES = ("tcp", "udp", "icmp", "other")


class Field(NamedTuple):
    """One field: its name, its :mod:`struct` format, its unit and meaning."""

    name: str
    format: str
    doc: str


class Layout(NamedTuple):
    """A record: ordered fields without padding between them."""

    name: str
    fields: tuple[Field, ...]

    @property
    def struct(self) -> struct.Struct:
        """The whole record as one :class:`struct.Struct` (little-endian, unpadded)."""
        return struct.Struct("<" + "".join(f.format for f in self.fields))

    @property
    def size(self) -> int:
        """Bytes a record."""
        return self.struct.size

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in order."""
        return tuple(f.name for f in self.fields)

    def dtype(self) -> np.dtype[np.void]:
        """The numpy structured type of the same bytes (imports numpy)."""
        import numpy as np

        codes = {
            "q": "<i8",
            "Q": "<u8",
            "d": "<f8",
            "I": "<u4",
            "i": "<i4",
            "H": "<u2",
            "h": "<i2",
            "B": "u1",
        }
        pairs = [(f.name, codes.get(f.format) or ("V" + f.format[:-1])) for f in self.fields]
        # Byte strings are taken as arrays of u1: numpy's S type would strip trailing zeros.
        return np.dtype([(n, t) if t[0] != "V" else (n, "u1", (int(t[1:]),)) for n, t in pairs])


PACKET = Layout(
    "packet",
    (
        Field("time", "q", "ns since 1970"),
        Field("session", "q", "session id, -1 = not IP"),
        Field("wire_len", "I", "bytes of the frame on the wire, clipped at 65,550"),
        Field("ip_len", "I", "bytes of the IP packet (header included), 0 = not IP"),
        Field("payload_len", "I", "bytes after the L4 header, by the IP length"),
        Field("src_mac", "i", "MAC index of the sender, -1 = none"),
        Field("dst_mac", "i", "MAC index of the receiver, -1 = none"),
        Field("arp_sha", "i", "ARP sender MAC index, -1 = none"),
        Field("arp_tha", "i", "ARP target MAC index, -1 = none"),
        Field("vlan", "h", "outermost VLAN id, -1 = untagged"),
        Field("inner_vlan", "h", "second VLAN id, -1 = none"),
        Field("ethertype", "H", "the innermost EtherType, 0 = unknown"),
        Field("src_port", "H", "source port, 0 = none"),
        Field("dst_port", "H", "destination port, 0 = none"),
        Field("ip_id", "H", "IPv4 identification; IPv6 fragments: its low 16 bits"),
        Field("frag", "H", "IPv4 flags and offset as on the wire; IPv6: offset/8, more = 0x2000"),
        Field("tcp_window", "H", "TCP window as on the wire (unscaled)"),
        Field("tcp_mss", "H", "TCP maximum segment size option, 0 = none"),
        Field("arp_op", "H", "ARP operation, 0 = not ARP"),
        Field("src_ip", "16s", "source address; ARP: sender protocol address"),
        Field("dst_ip", "16s", "destination address; ARP: target protocol address"),
        Field("tcp_seq", "I", "TCP sequence number"),
        Field("tcp_ack", "I", "TCP acknowledgement number"),
        Field("tcp_tsval", "I", "TCP timestamp value, 0 = none"),
        Field("proto", "B", "IP protocol after extension headers"),
        Field("ip_version", "B", "4, 6, or 0 = not IP"),
        Field("direction", "B", "0 = originator to responder, 1 = back, 255 = no session"),
        Field("tcp_flags", "B", "FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128"),
        Field("ttl", "B", "IPv4 TTL or IPv6 hop limit"),
        Field("tos", "B", "IPv4 TOS or IPv6 traffic class (DSCP and ECN)"),
        Field("l4_header_len", "B", "bytes of the L4 header, options included"),
        Field("tcp_wscale", "B", "TCP window scale, 255 = none"),
        Field("icmp_type", "B", "ICMP or ICMPv6 type"),
        Field("icmp_code", "B", "ICMP or ICMPv6 code"),
        Field("marks", "B", "MARK_* bits"),
        Field("tcp_options", "B", "OPT_* bits"),
        Field("layers", "H", "LAYER_* bits"),
        Field("interface", "H", "pcapng interface number, 0 elsewhere"),
        Field("header_len", "I", "captured bytes up to the end of the parsed L4 header"),
    ),
)
"""128 bytes a packet."""

_DIRECTION_FIELDS = (
    Field("packets", "Q", "packets sent"),
    Field("payload_bytes", "Q", "bytes after the L4 header"),
    Field("ip_bytes", "Q", "bytes of the IP packets"),
    Field("wire_bytes", "Q", "bytes of the frames, each clipped at 65,550"),
    Field("first", "q", "time of the first packet, ns (0 = none)"),
    Field("last", "q", "latest time of a packet, ns (0 = none)"),
    Field("iat_min", "q", "smallest gap between two packets, ns (0 = fewer than two)"),
    Field("iat_max", "q", "largest gap, ns"),
    Field("iat_sumsq", "d", "sum of squared gaps, s**2"),
    Field("len_sumsq", "d", "sum of squared wire lengths, bytes**2"),
    Field("len_min", "I", "smallest wire length"),
    Field("len_max", "I", "largest wire length"),
    Field("window", "H", "TCP window of the first packet"),
    Field("mss", "H", "TCP MSS option of the first packet that had one, 0 = none"),
    Field("ttl_min", "B", "smallest TTL"),
    Field("ttl_max", "B", "largest TTL"),
    Field("tcp_flags", "B", "TCP flags seen, or-ed"),
    Field("tcp_options", "B", "TCP options seen, or-ed"),
)

SESSION = Layout(
    "session",
    (
        Field("id", "q", "number in order of first packets"),
        Field("start", "q", "time of the first packet, ns"),
        Field("end", "q", "latest time of a packet, ns"),
        Field("orig_ip", "16s", "originator"),
        Field("resp_ip", "16s", "responder"),
        Field("orig_port", "H", "port of the originator, 0 = none"),
        Field("resp_port", "H", "port of the responder, 0 = none"),
        Field("proto", "B", "IP protocol"),
        Field("ip_version", "B", "4 or 6"),
        Field("end_reason", "B", "END_*"),
        Field("icmp_type", "B", "ICMP type of the first packet"),
        Field("icmp_code", "B", "ICMP code of the first packet"),
        Field("history_len", "B", "letters in history"),
        Field("vlan", "h", "outermost VLAN id of the first packet, -1 = untagged"),
        Field("inner_vlan", "h", "second VLAN id, -1 = none"),
        Field("reserved", "H", "0"),
        Field("orig_mac", "i", "MAC index of the originator, -1 = none"),
        Field("resp_mac", "i", "MAC index of the responder (its own frames win), -1 = none"),
        Field("history", "16s", "letters in order of first sight; see sessions/state.py"),
        *(Field("orig_" + f.name, f.format, "originator: " + f.doc) for f in _DIRECTION_FIELDS),
        *(Field("resp_" + f.name, f.format, "responder: " + f.doc) for f in _DIRECTION_FIELDS),
    ),
)
"""288 bytes a session."""

MAC = Layout(
    "mac",
    (
        Field("mac", "6s", "the address"),
        Field("reserved", "H", "0"),
        Field("tx_packets", "Q", "frames sent"),
        Field("rx_packets", "Q", "frames addressed to it"),
        Field("tx_bytes", "Q", "wire bytes sent (clipped)"),
        Field("rx_bytes", "Q", "wire bytes addressed to it (clipped)"),
        Field("first", "q", "time of the first frame, ns"),
        Field("last", "q", "latest time of a frame, ns"),
    ),
)
"""56 bytes an address, in order of first sight."""

TOTALS = (
    "packets",
    "wire_bytes",
    "captured_bytes",
    "first",
    "last",
    "sessions",
    "open",
    "devices",
    "ip_packets",
    "cut_packets",
    "later_fragments",
    "packets_without_time",
    "evicted",
    "macs",
    "macs_dropped",
)
"""What an engine's ``totals()`` returns, in order."""

# What ``feed()`` stopped for.
MORE, PACKETS_FULL, SESSIONS_FULL, FAILED = range(4)

ERRORS = (
    "no error",
    "not a pcap or pcapng file (it starts with {value:08x})",
    "damaged: a packet claims {value:,} captured bytes, the limit is 262,144",
    "damaged: a block claims a length of {value:,} bytes",
    "damaged: a block's two lengths differ ({value:,} at its start)",
    "damaged: a section with the unknown byte-order mark {value:08x}",
    "pcapng version {value} is not supported, only 1",
    "damaged: a packet names interface {value}, which was not described",
    "damaged: a packet block is shorter than its {value:,} captured bytes",
    "more than {value:,} interfaces are described",
)
"""The text of each error number of a core."""

# What the demux's ``block()`` and ``frame()`` stopped for.
DEMUX_MORE, DEMUX_DEVICE_FULL, DEMUX_STREAM_FULL, DEMUX_MEMORY_FULL, DEMUX_DAMAGED = range(5)

DEMUX_TOTALS = (
    "frames",  # taken
    "wire_bytes",  # of them, each clipped at 65,550, tags included
    "records",  # given to devices: one or two a frame
    "record_bytes",  # of them, with their headers of 16 bytes
    "tagged",  # frames whose tag was put back
    "cut",  # frames whose headers end beyond what was captured of them
    "nameless",  # frames that no device got
    "refused",  # records that were not given because there are too many devices
    "repeated",  # frames left out as the second copy of another
    "damaged",  # blocks that contradict themselves; the rest of each was left
    "devices",  # now
    "first",  # time of the earliest frame, ns
    "last",  # time of the latest frame, ns
    "held",  # bytes of the devices' buffers
)
"""What a demux's ``totals()`` returns, in order."""

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
"""The header of the files and the stream that the demux's records go to: nanoseconds, Ethernet."""
