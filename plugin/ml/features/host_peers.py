"""``halia-host``: whom a device talks to, how it asks for addresses, how much. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.core.layout import MARK_BROADCAST, MARK_MULTICAST
from plugin.ml.features.addresses import groups, link_local
from plugin.ml.features.host_block import SECOND, Block, Column, columns_of, log, sent, sided
from plugin.ml.features.host_kinds import ARP, external, size_of
from plugin.ml.features.host_shapes import is_ip
from plugin.ml.services import ICMPV6

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.features.host_parts import Part

REQUEST, REPLY = 1, 2
ICMPV6_TYPES = {
    "router_solicitation": 133,
    "router_advertisement": 134,
    "neighbour_solicitation": 135,
    "neighbour_advertisement": 136,
    "listener_report": 143,
}


def _peers(part: Part) -> NDArray[np.float64]:
    ip = part.only(is_ip(part))
    outside = ip.made("external", external)
    alone = ~groups(ip["peer_ip"])
    near, far = ip.only(alone & ~outside), ip.only(outside)
    ported = ip.only(alone & (ip["peer_port"] > 0))
    places = ported.each(ported["peer_ip"], ported["peer_port"], ported["proto"])
    single = ip.only(alone)
    pairs = single.numbers(single["peer_ip"])
    amount = np.bincount(pairs.number)
    peers = single.only(pairs.leads)
    share = amount / np.maximum(single.counts[peers.row], 1)
    return columns_of(
        log(near.each(near["peer_ip"]).counts),
        log(far.each(far["peer_ip"]).counts),
        log(ported.each(ported["peer_port"], ported["proto"]).counts),
        log(places.counts),
        peers.most(share),
        peers.total(-share * np.log2(share)),
        ip.fractions(outside, ~alone),
        _of(far.total(far.made("size", size_of)), ip.total(ip.made("size", size_of))),
    )


def _link(part: Part) -> NDArray[np.float64]:
    marks = part["marks"]
    ip = part.only(is_ip(part))
    own = ip.each(ip["own_ip"])
    six = own["ip_version"] == 6  # noqa: PLR2004 - IPv6
    linked = link_local(own["own_ip"])
    group = ip.only(groups(ip["peer_ip"]))
    return columns_of(
        part.fractions((marks & MARK_BROADCAST) > 0, (marks & MARK_MULTICAST) > 0),
        log(own.only(~six).counts),
        log(own.only(six & ~linked).counts),
        log(own.only(six & linked).counts),
        log(group.each(group["peer_ip"]).counts),
    )


def _arp(part: Part) -> NDArray[np.float64]:
    arp = part.only((part["ethertype"] == ARP) & ~is_ip(part))
    operation, marks = arp["arp_op"], arp["marks"]
    # Probes have no sender address, announcements ask for their own (RFC 5227).
    named = np.asarray(arp["src_ip"][:, 12:].any(axis=1), np.bool_)
    unnamed = ~named
    other: NDArray[np.bool_] = (arp["src_ip"] != arp["dst_ip"]).any(axis=1)
    own = ~other & ~unnamed
    return columns_of(
        arp.fractions(
            (operation == REQUEST) & ~unnamed & ~own,
            operation == REPLY,
            unnamed,
            own,
            (marks & MARK_BROADCAST) > 0,
        ),
        log(arp.each(arp["dst_ip"]).counts),
    )


def _icmpv6(part: Part) -> NDArray[np.float64]:
    mine = part.only(is_ip(part) & (part["proto"] == ICMPV6))
    return mine.fractions(*(mine["icmp_type"] == number for number in ICMPV6_TYPES.values()))


def _rates(part: Part) -> NDArray[np.float64]:
    since = _since(part)
    seconds = part.most(since) / SECOND
    size = part.total(part.made("size", size_of))
    numbers = part.numbers(since // SECOND)
    beats = part.only(numbers.leads)
    busiest = beats.most(np.bincount(numbers.number, minlength=len(beats)))
    return columns_of(
        log(part.counts),
        log(size),
        log(seconds),
        log(part.counts / np.maximum(seconds, 1)),
        log(size / np.maximum(seconds, 1)),
        beats.counts / np.maximum(seconds + 1, 1),
        log(busiest),
    )


def _since(part: Part) -> NDArray[np.int64]:
    """(n,) ns since the row's first packet; 0 where the clock stepped back."""
    time: NDArray[np.int64] = part["time"]
    first = time[np.minimum(part.firsts, max(len(time) - 1, 0))] if len(time) else time
    return np.maximum(time - first[part.row], 0) if len(time) else time


def _of(some: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the whole; 0 of nothing."""
    return some / np.maximum(whole, 1)


_LOG = "log10(1 + n)"

BLOCKS: tuple[Block, ...] = (
    *sided(
        "peers",
        [
            Column("peers_inside", _LOG, "different inside addresses at the far end, no groups"),
            Column("peers_outside", _LOG, "different outside addresses at the far end"),
            Column("peer_ports", _LOG, "different ports at the far end"),
            Column("peer_services", _LOG, "different pairs of address and port at the far end"),
            Column("peer_busiest", "share", "share of the busiest address among IP packets"),
            Column("peer_entropy", "bits", "entropy of the far end's address over IP packets"),
            Column("external", "share", "share of IP packets whose far end is outside"),
            Column("grouped", "share", "share of IP packets whose far end is a group of receivers"),
            Column("external_bytes", "share", "share of IP bytes whose far end is outside"),
        ],
        _peers,
    ),
    sent(
        "link",
        [
            Column("broadcast", "share", "share of frames to the link's broadcast address"),
            Column("multicast", "share", "share of frames to a link multicast address"),
            Column("own_ipv4", _LOG, "different own IPv4 addresses"),
            Column("own_ipv6", _LOG, "different own IPv6 addresses, link-local ones left out"),
            Column("own_ipv6_link_local", _LOG, "different own link-local IPv6 addresses"),
            Column("multicast_groups", _LOG, "different groups at the far end"),
        ],
        _link,
    ),
    sent(
        "arp",
        [
            Column("arp_requests", "share", "share of ARP packets that ask for another's address"),
            Column("arp_replies", "share", "share of ARP packets that are replies"),
            Column("arp_probes", "share", "share of ARP packets without a sender's IP address"),
            Column("arp_announcements", "share", "share of ARP packets that name the own address"),
            Column("arp_to_all", "share", "share of ARP packets that are broadcast"),
            Column("arp_targets", _LOG, "different addresses that ARP packets name as target"),
        ],
        _arp,
    ),
    sent(
        "icmpv6",
        [
            Column(f"icmpv6_{name}", "share", f"share of ICMPv6 packets of type {number}")
            for name, number in ICMPV6_TYPES.items()
        ],
        _icmpv6,
    ),
    *sided(
        "rates",
        [
            Column("packets", _LOG, "packets"),
            Column("bytes", _LOG, "IP bytes"),
            Column("seconds", _LOG, "seconds from the first packet to the last"),
            Column("packet_rate", _LOG, "packets a second; of less than a second: packets"),
            Column("byte_rate", _LOG, "IP bytes a second; of less than a second: bytes"),
            Column("busy_seconds", "share", "share of seconds in which there is a packet"),
            Column("busiest_second", _LOG, "packets in the second that has most"),
        ],
        _rates,
    ),
)
