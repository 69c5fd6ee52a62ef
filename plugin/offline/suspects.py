"""What of a whole capture any detector could name, found on arrays.

Most sessions of most captures are above suspicion: too few of their kind failed, of one device.
Each condition here is one that a finding needs and that is cheap to check; the detectors judge
what is left, so what is left out changes no finding. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
        watched.arp[_disputed(watched.arp)],
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
    found = _many(failed, _key(mac, proto, port), ip, p.horizontal_scan.targets)
    found |= _many(failed, _key(mac, ip), _key(proto, port), p.vertical_scan.targets)
    login = (
        became.fresh
        & _among(port, p.brute_force.ports)
        & (proto == TCP)
        & became.answered
        & ~became.refused
    )
    found |= _many(login, _key(mac, ip, port), start, p.brute_force.sessions)
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


def _key(*parts: NDArray[np.generic]) -> Keys:
    """(n,) a 64-bit hash of numbers that belong together."""
    found = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        found = (found ^ (found >> np.uint64(29)) ^ part.astype(np.uint64)) * _MIX
    return found
