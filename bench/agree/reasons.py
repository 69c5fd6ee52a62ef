"""Known reasons for which tshark and the core may differ, each a small predicate.

Nothing is excused by a capture's name or by a protocol at large: a reason names the fields it
is about and the bytes or layers that make it true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.core.layout import MARK_TRUNCATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.agree.dissect import Dissected, Value


class Difference(NamedTuple):
    """One field of one packet on which the two differ."""

    field: str
    expected: Value
    found: Value
    theirs: Dissected
    ours: Mapping[str, Value]


class Reason(NamedTuple):
    """Why a difference is none.

    Attributes:
        name: short, counted under.
        why: one sentence.
        holds: whether it explains a difference.
    """

    name: str
    why: str
    holds: Callable[[Difference], bool]


FOREIGN_LINKS = frozenset(
    {"fddi", "nflog", "fr", "radiotap", "wlan", "slip", "juniper", "atm", "erf", "netlink", "tr"}
)
ENTERED = frozenset(
    {"eth", "ethertype", "vlan", "ieee8021ad", "ieee8021ah", "mpls", "pppoes", "ppp", "llc"}
    | {"sll", "null", "chdlc", "raw"}
)
EXTENSIONS = ("ipv6.hopopts", "ipv6.dstopts", "ipv6.routing")
TCP_CUT = {
    "src_port": "tcp.srcport",
    "dst_port": "tcp.dstport",
    "tcp_seq": "tcp.seq_raw",
    "tcp_ack": "tcp.ack_raw",
    "tcp_flags": "tcp.flags",
    "tcp_window": "tcp.window_size_value",
    "l4_header_len": "tcp.hdr_len",
    "payload_len": "tcp.len",
}
TCP_HEAD, IP_HEAD = 20, 20
KNOWN_HARDWARE = frozenset({1, 6})  # Ethernet, IEEE 802
RECORD_MAX = 262_144


def _number(difference: Difference, field: str) -> int:
    text = difference.theirs.first(field)
    return int(text, 0) if text else 0


def _behind_ip(difference: Difference) -> str:
    """The layer behind IP and its extension headers."""
    layers = difference.theirs.layers
    place = len(difference.theirs.before_network)
    rest = [n for n in layers[place + 1 :] if not n.startswith("ipv6.") and n != "ah"]
    return rest[0] if rest else ""


def payload_by_ip(difference: Difference, head: int) -> int:
    """Bytes behind an L4 header of ``head`` bytes, by the lengths in IP's headers."""
    if difference.ours["ip_version"] == 4:
        rest = _number(difference, "ip.len") - _number(difference, "ip.hdr_len")
    else:
        rest = _number(difference, "ipv6.plen")
        for name in EXTENSIONS:
            texts = difference.theirs.said[f"{name}.len_oct"].split(",")
            rest -= sum(int(text) for text in texts if text)
        rest -= 8 * difference.theirs.layers.count("ipv6.fraghdr")
    return max(0, rest - head)


def foreign_link(difference: Difference) -> bool:
    """The link type is none that the core enters, and it says nothing of the frame."""
    first = difference.theirs.layers[0]
    return first in FOREIGN_LINKS and difference.ours["header_len"] == 0


def udp_length(difference: Difference) -> bool:
    """The UDP header's own length contradicts IP's; ours is IP's."""
    return (
        difference.field == "payload_len"
        and _behind_ip(difference) in ("udp", "udplite")
        and difference.found == payload_by_ip(difference, 8)
    )


def beyond_frame(difference: Difference) -> bool:
    """IP claims more bytes than the frame has; tshark stops at the frame's end."""
    return (
        difference.field == "payload_len"
        and _behind_ip(difference) == "tcp"
        and _number(difference, "ip.len") > _number(difference, "frame.len")
        and difference.found == payload_by_ip(difference, _number(difference, "tcp.hdr_len"))
    )


def tcp_cut(difference: Difference) -> bool:
    """The TCP header is not whole: tshark prints fewer of its fields than there are bytes for."""
    said = TCP_CUT.get(difference.field)
    theirs, ours = difference.theirs, difference.ours
    return (
        said is not None
        and _behind_ip(difference) == "tcp"
        and not theirs.first(said)
        and (not theirs.first("tcp.seq_raw") or not theirs.first("tcp.window_size_value"))
        and _truncated(ours)
    )


def _truncated(ours: Mapping[str, Value]) -> bool:
    return bool(int(ours["marks"]) & MARK_TRUNCATED)


def tcp_offset(difference: Difference) -> bool:
    """TCP's data offset is below five words: tshark stops there, the fixed fields stay fields."""
    return (
        difference.field in {*TCP_CUT, "tcp_mss", "tcp_wscale", "tcp_tsval"}
        and difference.ours["proto"] == 6
        and int(difference.ours["l4_header_len"]) < TCP_HEAD
        and _truncated(difference.ours)
        and _number(difference, "tcp.hdr_len") < TCP_HEAD
    )


def wrapped_time(difference: Difference) -> bool:
    """The record claims a second or more of fraction: tshark's 32-bit nanoseconds wrap."""
    if difference.field != "time":
        return False
    whole, _, fraction = difference.theirs.first("frame.time_epoch").partition(".")
    ours = int(difference.found) - abs(int(whole)) * 1_000_000_000
    wrapped = (ours + (1 << 31)) % (1 << 32) - (1 << 31)
    return ours >= 1_000_000_000 and abs(wrapped) == int(fraction)


def unknown_arp(difference: Difference) -> bool:
    """ARP with a hardware type that tshark does not know: it prints addresses as bytes only."""
    return (
        difference.field in ("arp_sha", "arp_tha")
        and difference.theirs.first("arp.hw.type") != ""
        and _number(difference, "arp.hw.type") not in KNOWN_HARDWARE
    )


def old_mobility(difference: Difference) -> bool:
    """Protocol 62 was Mobile IPv6 before the standard; tshark still enters it."""
    is_old = difference.ours["proto"] == 62
    return difference.field == "proto" and is_old and "mipv6" in difference.theirs.layers


def bad_option(difference: Difference) -> bool:
    """A damaged option in an extension header: tshark gives up there, its length is whole."""
    return (
        difference.theirs.first("_ws.malformed") != ""
        and difference.theirs.layers[-1] in EXTENSIONS
        and difference.field in ("src_port", "dst_port", "icmp_type", "icmp_code")
    )


def cut_options(difference: Difference) -> bool:
    """IPv4 options are cut: tshark prints no destination though it is there."""
    theirs = difference.theirs
    return (
        theirs.first("ip.src") != ""
        and theirs.first("ip.dst") == ""
        and _number(difference, "ip.hdr_len") > IP_HEAD
        and _truncated(difference.ours)
    )


def pseudowire(difference: Difference) -> bool:
    """Ethernet guessed inside an MPLS pseudowire; the core goes by the first nibble only."""
    front = difference.theirs.before_network
    return "mpls" in front and any(name.startswith("pweth") for name in front)


def no_length(difference: Difference) -> bool:
    """IPv6 payload length 0 (jumbogram, offload): ours counts the bytes of the frame."""
    return (
        difference.field == "ip_len"
        and difference.ours["ip_version"] == 6
        and difference.theirs.first("ipv6.plen") == "0"
    )


LARGE_RECORD = Reason(
    "record size",
    "a record that claims more than 262,144 bytes: the core stops there and says so",
    lambda difference: difference.field == "packet",
)
REASONS: tuple[Reason, ...] = (
    LARGE_RECORD,
    Reason("link type", "a link type that the core counts but does not enter", foreign_link),
    Reason("UDP length", "UDP's own length contradicts IP's, ours goes by IP's", udp_length),
    Reason("beyond frame", "IP's length goes beyond the frame, tshark stops there", beyond_frame),
    Reason("TCP cut", "the TCP header is cut, tshark prints fewer of its fields", tcp_cut),
    Reason("TCP offset", "the data offset is below five words, tshark stops there", tcp_offset),
    Reason("time", "a fraction of a second or more: tshark's 32 bits wrap", wrapped_time),
    Reason("ARP hardware", "hardware type unknown to tshark, addresses as bytes", unknown_arp),
    Reason("protocol 62", "Mobile IPv6's number before the standard, not entered", old_mobility),
    Reason("IPv6 option", "a damaged option, tshark gives up on what follows", bad_option),
    Reason("IPv4 options cut", "tshark prints no destination that is there", cut_options),
    Reason("pseudowire", "Ethernet inside MPLS is tshark's guess, not entered", pseudowire),
    Reason("IPv6 length 0", "jumbogram or offload: ours counts the frame's bytes", no_length),
)
