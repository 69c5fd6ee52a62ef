"""The devices of a capture, and from which sessions each is judged.

A device is a unicast link address that sent a frame. A capture without link addresses (raw IP,
loopback) has its devices by IP address: the inside ones that sent, or all that sent if none is
inside. A session belongs to the devices at both of its ends. Computes only.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.core.layout import NO_MAC
from plugin.ml.features.addresses import groups, is_v4, link_local, local, words
from plugin.ml.matrix import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from numpy.typing import NDArray

    class CaptureArrays(Protocol):
        """The arrays of a capture (``plugin.records.Capture`` has them)."""

        @property
        def sessions(self) -> NDArray[np.void]:
            """``SESSION`` records in order of id."""

        @property
        def macs(self) -> NDArray[np.void]:
            """``MAC`` records in order of index."""


_VIEWS_MAX = 1 << 13
"""Views whose session records are copied at once: 2.4 MB, which the cache still holds."""


class Views(NamedTuple):
    """Every (device, session) pair, sorted by device, then by session."""

    session: NDArray[np.int64]
    """(n,) index into the capture's sessions."""
    is_orig: NDArray[np.bool_]
    """(n,) whether the device is the originator; at both ends: it is, once."""
    device: NDArray[np.int64]
    """(n,) position in the tables of :class:`Devices`."""


class Devices(NamedTuple):
    """The devices of a capture, in order of first sight (by IP: of address)."""

    mac_ids: NDArray[np.int64]
    """(n_devices,) index into the MAC table; -1 where devices go by IP."""
    macs: tuple[str | None, ...]
    """Lower case with colons."""
    packets: NDArray[np.int64]
    """(n_devices,) frames sent and received; by IP: packets of its sessions."""
    views: Views

    def __len__(self) -> int:
        """How many devices."""
        return len(self.macs)


class Addresses(NamedTuple):
    """The IP addresses of a capture's devices."""

    ips: tuple[tuple[bytes, ...], ...]
    """Addresses (16 bytes) that each device sent from, inside ones first; at most ``IPS_MAX``."""
    counts: NDArray[np.int64]
    """(n_devices, 2) how many addresses each sent from: inside, outside."""
    relays: NDArray[np.bool_]
    """(n_devices,) which stand for the devices behind them; see :func:`relays_of`."""
    posing: NDArray[np.bool_]
    """(n_devices,) which send from as many addresses as a relay, but nothing shows that they are
    one: they are judged by what they send from their own."""
    foreign: NDArray[np.bool_]
    """(n_views,) views in which a device that is no relay sends from an outside IPv4 address that
    is not its own: not its foremost one, and none from which it began what was answered, with the
    TTL that a system starts with."""


IPS_MAX = 32
_FIRST_TTLS = (32, 64, 128, 255)
"""What systems start with (RFC 1700: 64 is recommended; others are their habits)."""
RELAY_OUTSIDE, RELAY_V4, RELAY_V6 = 2, 3, 3
"""From so many outside IPv4 addresses, IPv4 addresses, IPv6 networks on, a device is a relay."""
RELAY_SHARE = 0.1
"""Of the packets that it sends, a relay brings back so many for others at least. The recorded
routers bring a fifth and more; a forger would have to forge as much as he sends."""
RELAY_SILENT = 0.5
"""Of a capture in one direction only nobody sees answers: more than so many of the packets of a
relay come from other outside addresses than one."""


def devices_of(capture: CaptureArrays) -> Devices:
    """Find the devices of a capture, each with its sessions."""
    table = capture.macs
    unicast = (table["mac"][:, 0] & 1) == 0
    device = unicast & (table["tx_packets"] > 0) & table["mac"].any(axis=1)
    if not device.any():
        return _by_ip(capture.sessions)
    mac_ids = np.flatnonzero(device)
    number = np.full(len(table) + 1, -1, np.int64)  # the last place is that of NO_MAC
    number[mac_ids] = np.arange(len(mac_ids))
    assert NO_MAC == -1
    views = _views(number[capture.sessions["orig_mac"]], number[capture.sessions["resp_mac"]])
    macs = tuple(table["mac"][k].tobytes().hex(":") for k in mac_ids)
    packets = (table["tx_packets"] + table["rx_packets"])[mac_ids].astype(np.int64)
    return Devices(mac_ids, macs, packets, views)


def chosen_of(devices: Devices, chosen: NDArray[np.int64]) -> Devices:
    """Some of the devices, with their views; ``chosen`` holds their positions, ascending."""
    place = np.full(len(devices), -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    views = devices.views
    number = place[views.device]
    kept = number >= 0
    return Devices(
        devices.mac_ids[chosen],
        tuple(devices.macs[k] for k in chosen.tolist()),
        devices.packets[chosen],
        Views(views.session[kept], views.is_orig[kept], number[kept]),
    )


def _by_ip(sessions: NDArray[np.void]) -> Devices:
    ends = np.concatenate([sessions["orig_ip"], sessions["resp_ip"]])
    sent = np.concatenate([sessions["orig_packets"], sessions["resp_packets"]]) > 0
    fit = sent & _specified(ends)
    if (fit & local(ends)).any():
        fit &= local(ends)
    known = distinct(_keys(ends))
    number = known.number
    wanted = np.zeros(len(known.first), np.bool_)
    wanted[number[fit]] = True
    renumbered = np.where(wanted, np.cumsum(wanted) - 1, -1)[number]
    views = _views(renumbered[: len(sessions)], renumbered[len(sessions) :])
    n = int(wanted.sum())
    both = sessions["orig_packets"] + sessions["resp_packets"]
    packets = np.bincount(views.device, both[views.session], n).astype(np.int64)
    return Devices(np.full(n, -1), (None,) * n, packets, views)


def _views(orig: NDArray[np.int64], resp: NDArray[np.int64]) -> Views:
    """Views from the device at each end of each session, -1 = none."""
    other = np.where(orig == resp, -1, resp)
    device = np.concatenate([orig, other])
    session = np.concatenate([np.arange(len(orig))] * 2)
    is_orig = np.arange(len(device)) < len(orig)
    order = np.lexsort((session, device))
    order = order[np.searchsorted(device[order], 0) :]
    return Views(session[order], is_orig[order], device[order])


def _specified(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) addresses that can be a device's: no group, not 0.0.0.0 or ::."""
    last_four = addresses[:, 12:].any(axis=1)
    return ~groups(addresses) & (last_four | addresses[:, :10].any(axis=1))


def _keys(addresses: NDArray[np.uint8]) -> NDArray[np.void]:
    """(n, 16) bytes as (n,) values that compare as a whole."""
    return np.ascontiguousarray(addresses).view("V16")[:, 0]


def addresses_of(capture: CaptureArrays, devices: Devices) -> Addresses:
    """The addresses that each device sent from."""
    sessions, views, n_devices = capture.sessions, devices.views, len(devices)
    orig = views.is_orig
    own = np.where(
        orig[:, None], sessions["orig_ip"][views.session], sessions["resp_ip"][views.session]
    )
    packets = np.where(
        orig, sessions["orig_packets"][views.session], sessions["resp_packets"][views.session]
    )
    fit = (packets > 0) & _specified(own)
    pairs = np.concatenate(
        [views.device[fit].astype(">u4")[:, None].view(np.uint8), own[fit].astype(np.uint8)], axis=1
    )
    known = distinct(np.ascontiguousarray(pairs).view("V20")[:, 0])
    found = pairs[known.first]
    device = found[:, :4].copy().view(">u4")[:, 0].astype(np.int64)
    # A forged SYN-ACK makes its receiver the originator: he must have been heard, and first.
    asked = (sessions["orig_packets"] > 0) & (sessions["orig_first"] <= sessions["resp_first"])
    opened = ~orig & asked[views.session]
    sent = np.bincount(known.number, packets[fit], len(found)).astype(np.float64)
    brought = np.bincount(known.number, (packets * opened)[fit], len(found)).astype(np.float64)
    senders = Senders(device, found[:, 4:], sent, brought)
    home = home_of(senders)
    relays = relays_of(senders, home, n_devices)
    posing = _many(senders, np.ones(len(found), np.bool_), n_devices) & ~relays
    # What it began from an address, and had an answer to, is no forgery; and no other's either,
    # while nobody on the way has lowered the TTL.
    answered = orig & (sessions["resp_packets"] > 0)[views.session]
    answered &= np.isin(sessions["orig_ttl_max"][views.session], _FIRST_TTLS)
    used = np.bincount(known.number, answered[fit], len(found)) > 0
    strange = _outside_v4(senders.address) & ~home & ~used & ~relays[device]
    foreign = np.zeros(len(fit), np.bool_)
    foreign[fit] = strange[known.number]
    inside = local(found[:, 4:])
    counts = np.stack(
        [np.bincount(device[inside == side], minlength=n_devices) for side in (True, False)], axis=1
    )
    order = np.lexsort((~inside, device))
    begins = np.searchsorted(device[order], np.arange(n_devices + 1))
    texts = tuple(
        tuple(found[k, 4:].tobytes() for k in order[first:last][:IPS_MAX])
        for first, last in pairwise(begins)
    )
    return Addresses(texts, counts, relays, posing, foreign)


class Senders(NamedTuple):
    """What devices sent from each of their addresses."""

    device: NDArray[np.int64]
    """(n,) ascending; each pair of device and address once."""
    address: NDArray[np.uint8]
    """(n, 16) unicast."""
    sent: NDArray[np.float64]
    """(n,) packets."""
    brought: NDArray[np.float64]
    """(n,) of them in answer to what another device had sent through it."""


def home_of(senders: Senders) -> NDArray[np.bool_]:
    """(n,) which address each device calls its own.

    Of the inside IPv4 ones that which sent most, else of the outside ones; none where it has
    link-local or IPv6 ones only.
    """
    four = _v4(senders.address)
    inside = four & local(senders.address)
    order = np.lexsort((-senders.sent, ~inside, ~four, senders.device))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.diff(senders.device[order]) != 0
    found = np.zeros(len(order), np.bool_)
    found[order[first]] = True
    return found & four


def relays_of(senders: Senders, home: NDArray[np.bool_], n_devices: int) -> NDArray[np.bool_]:
    """Which devices are shown to stand for others: routers, gateways, relays.

    Anybody can write any sender on a frame. So an address counts that is the device's own, or from
    which it brought the answer to what *another* device had sent: from two outside IPv4 ones, or
    an inside and an outside one, or three of any kind, or three IPv6 networks (/64: the temporary
    addresses of one host share theirs) a device is a relay, if what it brings for others is
    ``RELAY_SHARE`` of what it sends. Link-local addresses count for nothing. An end device has one
    address, or two when its lease changed; ``docs/verdict.md`` has the evidence.

    A capture of one direction has no answers. There a device that sends from no inside address at
    all, and more than ``RELAY_SILENT`` from others than its foremost one, is a relay too.

    Args:
        senders: what was sent from which address.
        home: (n,) of :func:`home_of`.
        n_devices: how many devices there are.

    Returns:
        (n_devices,)
    """
    counted = ~link_local(senders.address)
    inside = _v4(senders.address) & local(senders.address)
    # A host's own answers are no sign that it forwards; of outside addresses alone, all are.
    others = counted & ~(home & inside)
    total, brought, away = (
        np.bincount(senders.device, values, n_devices)
        for values in (
            np.where(counted, senders.sent, 0),
            np.where(others, senders.brought, 0),
            np.where(counted & ~home, senders.sent, 0),
        )
    )
    shown = _many(senders, home | (senders.brought > 0), n_devices)
    shown &= brought >= RELAY_SHARE * np.maximum(total, 1)
    silent = _many(senders, np.ones(len(home), np.bool_), n_devices)
    silent &= (away > RELAY_SILENT * total) & (
        np.bincount(senders.device[inside], minlength=n_devices) == 0
    )
    found: NDArray[np.bool_] = shown | silent
    return found


def _many(senders: Senders, some: NDArray[np.bool_], n_devices: int) -> NDArray[np.bool_]:
    """(n_devices,) which have as many of some addresses as no end device has."""
    device, addresses = senders.device[some], senders.address[some]
    four, outside_v4 = _v4(addresses), _outside_v4(addresses)
    outside = np.bincount(device[outside_v4], minlength=n_devices)
    v4 = np.bincount(device[four], minlength=n_devices)
    six = ~link_local(addresses) & ~is_v4(*words(addresses))
    keys = np.concatenate(
        [device[six].astype(">u4")[:, None].view(np.uint8), addresses[six, :8]], axis=1
    )
    networks = distinct(np.ascontiguousarray(keys).view("V12")[:, 0]).first
    v6 = np.bincount(device[six][networks], minlength=n_devices)
    both = (outside > 0) & (v4 > outside)
    found: NDArray[np.bool_] = both | (outside >= RELAY_OUTSIDE) | (v4 >= RELAY_V4)
    return found | (v6 >= RELAY_V6)


def _v4(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) IPv4 ones, but for link-local ones."""
    return is_v4(*words(addresses)) & ~link_local(addresses)


def _outside_v4(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return _v4(addresses) & ~local(addresses)


def blocks(views: Views) -> Iterator[slice]:
    """Cut views into slices that end where a device ends, of bounded size if devices allow it."""
    ends = np.flatnonzero(np.diff(views.device, append=-1)) + 1
    begin = 0
    while begin < len(views.device):
        last = int(np.searchsorted(ends, begin + _VIEWS_MAX, "right"))
        first = int(np.searchsorted(ends, begin, "right"))
        end = int(ends[max(last - 1, first)])
        yield slice(begin, end)
        begin = end
