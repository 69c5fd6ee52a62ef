"""The signs of :mod:`plugin.ml.signs`, counted on the arrays of a whole capture.

A row is a device in a window; all of them in one pass over the sessions and what was watched:
nothing is looped over by device or packet. Reads no file: computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.core.layout import OPT_MSS
from plugin.ml import services
from plugin.ml.devices import addresses_of
from plugin.ml.everyday import at_ports, ftp_data, to_every_host
from plugin.ml.features.addresses import groups, link_local, local
from plugin.ml.grouped import (
    Beat,
    different,
    highest,
    key_of,
    member,
    most,
    most_different,
    regular,
)
from plugin.ml.matrix import distinct
from plugin.ml.signs import NAMES, SIGNS, WINDOW, steps_of
from plugin.sessions.afterwards import outcome
from plugin.sessions.watch import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from plugin.ml.devices import Devices
    from plugin.records import Capture, Rows

    Index = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Keys = NDArray[np.uint64]

ADMIN_PORTS = (22, 23, 135, 139, 445, 3389, 5900, 5985, 5986)
"""TCP ports by which another machine is administered: SSH, Telnet, RPC, SMB, RDP, VNC, WinRM."""
WEB_PORTS = (80, 8000, 8080)
"""TCP ports of web pages in plain text."""
DNS_PORT = 53
RPC_PORT = 135
"""Of the endpoint mapper, which tells callers the port of the service that they want."""
_REGISTERED = 1024
_DNS_USUAL, _PING_USUAL = 48.0, 64.0
"""Bytes of payload that a name query and a ping need at most, mostly."""
_LEAST_PACKETS = 4
RHYTHM = Beat(least=5, slack=0.1, lasting=300.0)
"""It must last as long as that of the behaviour: gadgets that are set up poll for a while."""
_REQUEST = 1
_ECHO = ((services.ICMP, 8), (services.ICMPV6, 128))
_ANSWERED = 16
"""UDP packets sent for one that comes back: QUIC, RTP and VPNs are answered more often (RFC 9000,
13.2.2: every second packet; ten and more are in use)."""


class Evidence(NamedTuple):
    """The signs of a capture's devices, by window."""

    values: Floats
    """(n_rows, len(SIGNS)) in each sign's unit."""
    device: Index
    """(n_rows,) position in the capture's devices; rows of one stand together, by time."""
    begin: Index
    """(n_rows,) when the window begins, ns."""

    def without(self, relays: Mask) -> Evidence:
        """The rows of devices that stand for themselves.

        A router's signs are the sum of those of all who are behind it, and say nothing of it.

        Args:
            relays: (n_devices,) of ``plugin.ml.devices.addresses_of``.
        """
        kept = ~relays[self.device]
        return Evidence(self.values[kept], self.device[kept], self.begin[kept])

    def steps(self) -> Floats:
        """(n_rows, len(SIGNS)) what is learned from: doublings of each sign's scale."""
        return steps_of(self.values)


class _Cells(NamedTuple):
    """Numbers of (device, window) pairs."""

    device: Index
    begin: Index
    session: Index
    """(n_views,) the pair of each view that the device opened."""
    second: Index
    """(n_seconds,) of each count; -1: no device's."""
    arp: Index
    """(n_arp,) of each ARP packet; -1."""


def evidence(
    capture: Capture,
    devices: Devices,
    window: float = WINDOW,
    *,
    foreign: Mask | None = None,
) -> Evidence:
    """Count the signs.

    A session that a device opened from an outside address that is not its own counts for nothing
    but ``senders``: it may be another's, and it may be forged. Rates and ARP count by link address.

    Args:
        capture: read with ``watched=True``.
        devices: its devices.
        window: seconds.
        foreign: (n_views,) of ``plugin.ml.devices.addresses_of``; None: it is asked.
    """
    if foreign is None:
        foreign = addresses_of(capture, devices).foreign
    watched = capture.watched
    assert watched is not None, "read without watched=True"
    views = devices.views
    own = np.flatnonzero(views.is_orig)
    sessions = capture.sessions[views.session[own]]
    cells = _cells(capture, devices, own, window)
    n_rows = len(cells.device)
    found = _Signs(n_rows)
    own_address = ~foreign[own]
    _of_senders(found, sessions, cells.session)
    data = ftp_data(capture.sessions)[views.session[own]][own_address]
    _of_sessions(found, sessions[own_address], cells.session[own_address], cells.device, data)
    _of_groups(found, sessions, cells.session)
    _of_turns(found, capture, devices, cells.session)
    _of_seconds(found, watched.seconds, cells.second)
    _of_arp(found, watched.arp, cells.arp)
    return Evidence(found.values, cells.device, cells.begin)


class _Signs:
    """The matrix that is filled sign by sign."""

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows
        self.values = np.zeros((n_rows, len(SIGNS)))

    def put(self, name: str, values: NDArray[Any]) -> None:
        self.values[:, NAMES.index(name)] = np.maximum(values, 0)


def _cells(capture: Capture, devices: Devices, own: Index, window: float) -> _Cells:
    watched = capture.watched
    assert watched is not None
    length = max(1, round(window * SECOND))
    number = np.full(len(capture.macs) + 1, -1, np.int64)  # the last place is that of NO_MAC
    known = devices.mac_ids >= 0
    number[devices.mac_ids[known]] = np.flatnonzero(known)
    start = capture.sessions["start"][devices.views.session[own]]
    times = (start, watched.seconds["second"] * SECOND, watched.arp["time"])
    who = (
        devices.views.device[own],
        number[watched.seconds["mac"]],
        number[watched.arp["src_mac"]],
    )
    time, device = np.concatenate(times), np.concatenate(who)
    first = capture.totals.first_ns or 0
    place = np.maximum((time - first) // length, 0)
    width = int(place.max(initial=0)) + 1
    there = device >= 0
    pairs = distinct((device * width + place)[there])
    cell = np.full(len(device), -1, np.int64)
    cell[there] = pairs.number
    at = np.flatnonzero(there)[pairs.first]
    parts = np.split(cell, np.cumsum([len(one) for one in times])[:-1])
    return _Cells(device[at], first + place[at] * length, *parts)


class _Opened(NamedTuple):
    """Sessions that devices opened, as columns."""

    row: Index
    host: Keys
    at: Keys
    """Protocol and port; all ports of a traceroute are one."""
    service: Keys
    """Host, protocol and port."""
    source: Keys
    call: Keys
    """The service and the device's own port: another is another connection."""
    start: Index
    up: Floats
    """Payload that the device sent."""
    down: Floats
    packets_up: Floats
    packets_down: Floats

    def where(self, mask: Mask) -> _Opened:
        """Some of them."""
        return _Opened(*(column[mask] for column in self))  # type: ignore[arg-type]  # each as it was


def _opened(sessions: Rows, row: Index) -> _Opened:
    proto, port, ip = (sessions[name] for name in ("proto", "resp_port", "resp_ip"))
    sizes = ("orig_payload_bytes", "resp_payload_bytes", "orig_packets", "resp_packets")
    return _Opened(
        row,
        key_of(ip),
        key_of(proto, at_ports(proto, port)),
        key_of(proto, port, ip),
        key_of(sessions["orig_ip"]),
        key_of(proto, port, ip, sessions["orig_port"]),
        sessions["start"],
        *(sessions[name].astype(np.float64) for name in sizes),
    )


def _of_sessions(found: _Signs, sessions: Rows, row: Index, device: Index, data: Mask) -> None:
    """Signs of what a device opens to single hosts; ``data``: (n,) data sessions of FTP."""
    one = ~groups(sessions["resp_ip"])
    sessions, data = sessions[one], data[one]
    every = _opened(sessions, row[one])
    became = outcome(sessions)
    proto, port = sessions["proto"], sessions["resp_port"]
    inside, tcp = local(sessions["resp_ip"]), proto == services.TCP
    opened = became.fresh & (tcp | (proto == services.UDP))
    failed = opened & (~became.answered | became.refused)
    _of_failures(found, every, opened, failed, inside, tcp & ~inside)
    administers = every.where(tcp & inside & _among(port, ADMIN_PORTS))
    n = found.n_rows
    found.put("admin_hosts", different(administers.row, administers.host, n))
    calls = most_different(administers.row, administers.service, administers.call, n)
    found.put("admin_sessions", calls)
    asks = every.where(opened & ~data)
    second = key_of(asks.host, asks.start // SECOND)
    found.put("ports_at_once", most_different(asks.row, second, asks.at, n))
    asks = every.where(tcp)
    second = key_of(asks.service, asks.start // SECOND)
    found.put("burst", most_different(asks.row, second, asks.call, n))
    no_mss = (sessions["orig_tcp_options"] & OPT_MSS) == 0
    bare = every.where(opened & tcp & no_mss)
    found.put("bare_syn", np.bincount(bare.row, minlength=n).astype(np.float64))
    answered = became.answered & ~became.refused
    unnamed = opened & tcp & ~_named(port) & ~data
    pair = key_of(device[every.row], every.host)
    mapped = member(pair, pair[tcp & (port == RPC_PORT)])
    near = unnamed & inside & (port >= _REGISTERED) & answered & ~mapped
    _of_unnamed(found, every, near, unnamed & ~inside)
    _of_outside(found, every, sessions, opened & tcp & ~inside)
    _of_sizes(found, every, sessions)
    visits = every.where(opened & ~inside & (port != DNS_PORT))
    found.put("beat", regular(visits.row, visits.service, visits.start, n, RHYTHM))


def _of_senders(found: _Signs, sessions: Rows, row: Index) -> None:
    """As whom a device opens sessions, all of its addresses."""
    one = ~groups(sessions["resp_ip"])
    hosts, senders = key_of(sessions["resp_ip"][one]), key_of(sessions["orig_ip"][one])
    found.put("senders", most_different(row[one], hosts, senders, found.n_rows))


def _of_turns(found: _Signs, capture: Capture, devices: Devices, row: Index) -> None:
    """Who was administered through a port and then administers others through it.

    A server that turns client of its own service is how a worm moves (Ellis, Aiken, Attwood,
    Tenaglia: A Behavioral Approach to Worm Detection, WORM 2004, section 3).
    """
    views = devices.views
    sessions = capture.sessions[views.session]
    inside = local(sessions["orig_ip"]) & local(sessions["resp_ip"])
    port, start = sessions["resp_port"], sessions["start"]
    some = inside & (sessions["proto"] == services.TCP) & _among(port, ADMIN_PORTS)
    key = views.device * (1 << 16) + port
    served = some & ~views.is_orig & (sessions["resp_payload_bytes"] > 0)
    turned = some & views.is_orig
    keys = distinct(key)
    since = np.full(len(keys.first), np.iinfo(np.int64).max)
    np.minimum.at(since, keys.number[served], start[served])
    turned &= start > since[keys.number]
    at = np.full(len(key), -1, np.int64)
    at[views.is_orig] = row
    items = key_of(port, sessions["resp_ip"])
    found.put("turned", different(at[turned], items[turned], found.n_rows))


def _of_failures(
    found: _Signs, every: _Opened, opened: Mask, failed: Mask, inside: Mask, outside_tcp: Mask
) -> None:
    n, one, asked = found.n_rows, every.where(failed), every.where(opened)
    # What answered once is there, whatever became of other tries.
    tried = distinct(key_of(asked.row, asked.host, asked.at))
    vain = np.bincount(tried.number, ~failed[opened]) == 0
    row, first = asked.row[tried.first], tried.first
    side, sign = key_of(asked.at, inside[opened])[first], np.where(vain, 1, -1)
    found.put("hosts_failed", most(row, side, n, sign))  # who looks finds some; who scans, few
    found.put("ports_failed", most(row, asked.host[first], n, vain))
    found.put("tries_failed", most(one.row, one.service, n))
    dead = every.where(failed & outside_tcp)
    found.put("outside_failed", different(dead.row, dead.service, n))


def _of_unnamed(found: _Signs, every: _Opened, inside: Mask, outside: Mask) -> None:
    """Services on ports that are no service's."""
    n, near, far = found.n_rows, every.where(inside), every.where(outside)
    found.put("push", most(near.row, near.service, n, near.up - near.down))
    found.put("outside_unnamed", different(far.row, far.service, n))
    found.put("outside_unnamed_bytes", np.bincount(far.row, far.up + far.down, minlength=n))


def _of_outside(found: _Signs, every: _Opened, sessions: Rows, calls: Mask) -> None:
    n, out = found.n_rows, every.where(calls)
    asked = every.where(sessions["resp_port"] == DNS_PORT)
    queries = np.bincount(asked.row, asked.packets_up, minlength=n)
    found.put("unasked", different(out.row, out.host, n) - queries)
    web = every.where(calls & _among(sessions["resp_port"], WEB_PORTS))
    found.put("plain_download", most(web.row, web.host, n, web.down))
    names = every.where(calls & (sessions["resp_port"] == DNS_PORT))
    found.put("tcp_queries", different(names.row, names.call, n))


def _of_sizes(found: _Signs, every: _Opened, sessions: Rows) -> None:
    """Signs of protocols that carry more than they need to."""
    n, proto = found.n_rows, sessions["proto"]
    names = every.where((proto == services.UDP) & (sessions["resp_port"] == DNS_PORT))
    found.put("dns_bytes", most(names.row, names.service, n, names.up + names.down))
    found.put("query_size", _mean_size(names, n) - _DNS_USUAL)
    pings = every.where((proto == services.ICMP) | (proto == services.ICMPV6))
    found.put("ping_size", _mean_size(pings, n) - _PING_USUAL)
    kind = sessions["icmp_type"]
    echo = every.where(np.logical_or.reduce([(proto == p) & (kind == k) for p, k in _ECHO]))
    hosts = distinct(key_of(echo.row, echo.host))
    vain = np.bincount(hosts.number, echo.packets_down) == 0
    of = echo.row[hosts.first]
    found.put("ping_hosts", np.bincount(of, np.where(vain, 1, -1), n))


def _mean_size(some: _Opened, n_rows: int) -> Floats:
    """(n_rows,) highest mean payload of what was sent to one host."""
    hosts = distinct(key_of(some.row, some.host))
    packets = np.bincount(hosts.number, some.packets_up)
    mean = np.bincount(hosts.number, some.up) / np.maximum(packets, 1)
    mean[packets < _LEAST_PACKETS] = 0
    return highest(some.row[hosts.first], mean, n_rows)


def _of_groups(found: _Signs, sessions: Rows, row: Index) -> None:
    """What is sent to everybody."""
    many = to_every_host(sessions["resp_ip"])
    some = sessions[many]
    seconds = np.maximum((some["end"] - some["start"]) / SECOND, 1.0)
    found.put("group_rate", highest(row[many], some["orig_packets"] / seconds, found.n_rows))


def _of_seconds(found: _Signs, seconds: Rows, row: Index) -> None:
    whole = key_of(seconds["second"], seconds["ip"], seconds["kind"])
    for number, name in enumerate(("syn_rate", "udp_rate", "ping_rate")):
        some = (seconds["kind"] == number) & (row >= 0)
        packets = seconds["packets"][some]
        if name == "udp_rate":
            packets = packets - _ANSWERED * seconds["back_packets"][some]
        rate = most(row[some], whole[some], found.n_rows, packets)
        found.put(name, rate)


def _of_arp(found: _Signs, arp: Rows, row: Index) -> None:
    """Signs of address resolution."""
    n = found.n_rows
    target, source = key_of(arp["dst_ip"]), key_of(arp["src_ip"])
    asks = (row >= 0) & (arp["arp_op"] == _REQUEST) & (target != source)
    asks &= ~member(target, source)
    found.put("arp_unanswered", different(row[asks], target[asks], n))
    claims = (
        (row >= 0)
        & ~link_local(arp["src_ip"])
        & arp["src_ip"].any(axis=1)
        & (arp["src_ip"][:, 12:].any(axis=1))
    )
    found.put("arp_addresses", different(row[claims], source[claims], n) - 1)
    owned = distinct(source)
    order = np.lexsort((arp["time"], owned.number))
    owner = np.full(len(owned.first), -1, np.int64)
    owner[owned.number[order][::-1]] = arp["arp_sha"][order][::-1]
    later = claims & (owner[owned.number] != arp["arp_sha"])
    found.put("arp_claims", different(row[later], source[later], n))


def _named(port: NDArray[np.integer]) -> Mask:
    """(n,) TCP ports that are a service's: those with a column in ``service-ports``."""
    return _among(port, services.TCP_SERVICES)


def _among(numbers: NDArray[np.integer], some: Iterable[int]) -> Mask:
    """(n,) which are one of some ports."""
    table = np.zeros(1 << 16, np.bool_)
    table[list(some)] = True
    found: Mask = table[numbers]
    return found
