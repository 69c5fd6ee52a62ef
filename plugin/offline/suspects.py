"""What of a whole capture any detector could name, found on arrays.

Most sessions of most captures are above suspicion: too few of their kind failed, of one device.
Each condition here is one that a finding needs and that is cheap to check; the detectors judge
what is left, so what is left out changes no finding. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.behaviour.arp_scan import REQUEST
from plugin.ml.features.addresses import groups, local
from plugin.ml.matrix import distinct
from plugin.sessions.afterwards import outcome
from plugin.sessions.watch import KINDS, SECOND, TCP, UDP, merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from plugin.ml.behaviour.parameters import Parameters
    from plugin.records import Capture, Rows

    Mask = NDArray[np.bool_]
    Keys = NDArray[np.uint64]

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing
_GROUP_BIT = 1


class Suspects(NamedTuple):
    """What is to be judged."""

    sessions: Rows
    seconds: Rows
    """Whole seconds at a flood's rate, in order of time."""
    arp: Rows

    def any(self) -> bool:
        """Whether there is anything to judge."""
        return bool(len(self.sessions) or len(self.seconds) or len(self.arp))


class Window(NamedTuple):
    """So many events within so long."""

    least: int
    time: NDArray[np.int64]
    """(n,) when, ns."""
    span: float
    """Seconds."""


def suspects_in(capture: Capture, parameters: Parameters) -> Suspects:
    """What could be a finding, of a capture that was read with ``watched=True``.

    Args:
        capture: The records.
        parameters: Of the detectors.
    """
    watched = capture.watched
    assert watched is not None, "read without watched=True"
    return Suspects(
        _sessions(capture, parameters),
        _seconds(watched.seconds, parameters),
        watched.arp[_disputed(watched.arp) | _asked(watched.arp, parameters)],
    )


def _sessions(capture: Capture, p: Parameters) -> Rows:
    """Those that scans, guessing and beacons could be made of."""
    rows = capture.sessions
    one = np.flatnonzero(_to_one(rows, capture.macs))
    mac, proto, port = rows["orig_mac"][one], rows["proto"][one], rows["resp_port"][one]
    address = rows["resp_ip"][one]
    halves = np.ascontiguousarray(address).view(np.uint64)
    ip = _key(halves[:, 0], halves[:, 1])
    start, became = rows["start"][one], outcome(rows, one)
    late = became.at - start > round(p.attempts.grace * SECOND)
    failed = ~became.answered | late | became.refused
    failed &= _among(proto, (TCP, UDP))
    # A refusal is told before a silence that began earlier: windows may be longer by the grace.
    grace = 2 * p.attempts.grace
    wide = Window(p.horizontal_scan.targets, start, p.horizontal_scan.window + grace)
    deep = Window(p.vertical_scan.targets, start, p.vertical_scan.window + grace)
    guesses = Window(p.brute_force.sessions, became.at, p.brute_force.window)
    key = _key(mac, proto, port)
    found = _crowded(_many(failed, key, ip, wide.least), key, wide)
    key = _key(mac, ip)
    found |= _crowded(_many(failed, key, _key(proto, port), deep.least), key, deep)
    login = (
        became.fresh
        & _among(port, p.brute_force.ports)
        & (proto == TCP)
        & became.answered
        & ~became.refused
    )
    found |= _crowded(login, _key(mac, ip, port), guesses)
    outside = ~_among(port, p.beacon.ignored_ports) & ~local(address)
    outside &= became.fresh & _among(proto, (TCP, UDP))
    found |= _many(outside, _key(mac, proto, ip, port), start, p.beacon.intervals + 1)
    chosen: Rows = rows[one[found]]
    return chosen


def _to_one(rows: Rows, macs: Rows) -> Mask:
    """(n,) sessions from a device to one receiver; not the later fragments of others."""
    first_octet = np.append(macs["mac"][:, 0], 0)  # no link address: index -1
    found: Mask = rows["orig_mac"] >= 0
    found &= (first_octet[rows["resp_mac"]] & _GROUP_BIT) == 0
    ports = (rows["orig_port"] != 0) | (rows["resp_port"] != 0)
    found &= ports | ~_among(rows["proto"], (TCP, UDP))
    found &= ~groups(rows["resp_ip"])
    return found


def _seconds(seconds: Rows, p: Parameters) -> Rows:
    """Seconds at the rate, of floods that last."""
    rates = np.array([getattr(p.flood, kind) for kind in KINDS])
    whole = merged(seconds)  # a chunk may have ended within a second
    whole = whole[whole["packets"] >= rates[whole["kind"]]]
    key = _key(whole["mac"], whole["kind"], whole["ip"][:, 0], whole["ip"][:, 1])
    lasting = _many(np.ones(len(whole), np.bool_), key, whole["second"], p.flood.seconds)
    found: Rows = whole[lasting]
    return found


def _disputed(arp: Rows) -> Mask:
    """(n,) ARP packets about addresses that more than one MAC has claimed."""
    halves = np.ascontiguousarray(arp["src_ip"]).view(np.uint64)
    return _many(np.ones(len(arp), np.bool_), _key(*halves.T), arp["arp_sha"], 2)


def _asked(arp: Rows, p: Parameters) -> Mask:
    """(n,) questions of devices that ask for many addresses, and ARP packets of those addresses."""
    source, target = (
        _key(*np.ascontiguousarray(arp[name]).view(np.uint64).T) for name in ("src_ip", "dst_ip")
    )
    asks = (arp["arp_op"] == REQUEST) & (source != target)
    mac = arp["src_mac"]
    many = Window(p.arp_scan.targets, arp["time"], p.arp_scan.window)
    key = _key(mac)
    asks &= _many(asks, key, target, many.least)
    crowded = _crowded(asks, key, many)
    if not crowded.any():
        return crowded
    asks &= _member(key, key[crowded])
    found: Mask = asks | _member(source, target[asks])
    return found


def _member(keys: Keys, some: Keys) -> Mask:
    """(n,) which of the keys are among some."""
    ordered = np.sort(some)
    at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    found: Mask = ordered[at] == keys
    return found


def _among(numbers: NDArray[np.generic], some: Iterable[int]) -> Mask:
    """(n,) which are one of some small numbers (numpy's isin imports masked arrays: 7 ms)."""
    table = np.zeros(1 << 16, np.bool_)
    table[list(some)] = True
    found: Mask = table[numbers]
    return found


def _many(some: Mask, key: Keys, item: NDArray[np.generic], least: int) -> Mask:
    """(n,) which of ``some`` have a key with so many different items.

    Keys are hashes: two that fall together have more items, so nothing is missed.
    """
    found = np.zeros(len(some), np.bool_)
    at = np.flatnonzero(some)
    if len(at) < least:
        return found
    keys = distinct(key[at])
    enough = keys.counts[keys.number] >= least
    at, number = at[enough], keys.number[enough]
    if not len(at):
        return found
    pairs = distinct(_key(number, item[at])).first
    different = np.bincount(number[pairs], minlength=len(keys.counts))
    found[at] = different[number] >= least
    return found


def _crowded(some: Mask, key: Keys, window: Window) -> Mask:
    """(n,) which of ``some`` lie in a window with enough of the same key."""
    found = np.zeros(len(some), np.bool_)
    at = np.flatnonzero(some)
    least = window.least
    if len(at) < least:
        return found
    at = at[np.lexsort((window.time[at], key[at]))]
    time, keys = window.time[at], key[at]
    last = slice(least - 1, None)
    first = slice(0, len(at) - least + 1)
    full = (keys[last] == keys[first]) & (time[last] - time[first] <= window.span * SECOND)
    begins = np.zeros(len(at) + 1, np.int64)
    begins[first] += full
    begins[least : least + len(full)] -= full
    found[at] = begins[:-1].cumsum() > 0
    return found


def _key(*parts: NDArray[np.generic]) -> Keys:
    """(n,) a 64-bit hash of numbers that belong together."""
    found = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        found = (found ^ (found >> np.uint64(29)) ^ part.astype(np.uint64)) * _MIX
    return found
