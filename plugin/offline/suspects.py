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
from plugin.offline.crowds import Window, among, crowded, key_of, many, member
from plugin.offline.suspect_seconds import seconds_in
from plugin.sessions.afterwards import outcome
from plugin.sessions.watch import SECOND, TCP, UDP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.behaviour.parameters import BeaconParameters, Parameters
    from plugin.offline.crowds import Keys, Mask
    from plugin.records import Capture, Rows

_GROUP_BIT = 1


class Suspects(NamedTuple):
    """What is to be judged."""

    sessions: Rows
    seconds: Rows
    """Whole seconds, in order of time."""
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
        seconds_in(watched.seconds, parameters),
        watched.arp[_disputed(watched.arp) | _asked(watched.arp, parameters)],
    )


def _sessions(capture: Capture, p: Parameters) -> Rows:
    """Those that scans, guessing and beacons could be made of."""
    rows = capture.sessions
    one = np.flatnonzero(_to_one(rows, capture.macs))
    mac, proto, port = rows["orig_mac"][one], rows["proto"][one], rows["resp_port"][one]
    address = rows["resp_ip"][one]
    halves = np.ascontiguousarray(address).view(np.uint64)
    ip = key_of(halves[:, 0], halves[:, 1])
    start, became = rows["start"][one], outcome(rows, one)
    late = became.at - start > round(p.attempts.grace * SECOND)
    failed = ~became.answered | late | became.refused
    failed &= among(proto, (TCP, UDP))
    # A refusal is told before a silence that began earlier: windows may be longer by the grace.
    grace = 2 * p.attempts.grace
    wide = Window(p.horizontal_scan.targets, start, p.horizontal_scan.window + grace)
    deep = Window(p.vertical_scan.targets, start, p.vertical_scan.window + grace)
    quick = Window(p.vertical_scan.burst, start, p.vertical_scan.burst_window)
    guesses = Window(p.brute_force.sessions, became.at, p.brute_force.window)
    key = key_of(mac, proto, port)
    found = crowded(many(failed, key, ip, wide.least), key, wide)
    key = key_of(mac, ip)
    several = many(failed, key, key_of(proto, port), min(deep.least, quick.least))
    found |= crowded(several, key, deep) | crowded(several, key, quick)
    login = (
        became.fresh
        & among(port, p.brute_force.ports)
        & (proto == TCP)
        & became.answered
        & ~became.refused
    )
    found |= crowded(login, key_of(mac, ip, port), guesses)
    fan_out = Window(p.admin_fan_out.hosts, became.at, p.admin_fan_out.window)
    admin = among(port, p.admin_fan_out.ports) & (proto == TCP)
    admin &= became.fresh & became.answered & ~became.refused
    found |= crowded(many(admin, key_of(mac), ip, fan_out.least), key_of(mac), fan_out)
    outside = ~among(port, p.beacon.ignored_ports) & ~local(address)
    outside &= became.fresh & among(proto, (TCP, UDP))
    found |= _recurring(outside, key_of(mac, proto, ip, port), start, p.beacon)
    chosen: Rows = rows[one[found]]
    return chosen


def _recurring(some: Mask, key: Keys, start: NDArray[np.int64], p: BeaconParameters) -> Mask:
    """(n,) sessions of services that were visited often enough, over long enough, for a beacon.

    Half of the intervals agree with their median, but for the jitter, and all of them together
    count as so many times the median: so all visits may lie in half of what they must last.
    """
    share = max(0.0, (1 - p.jitter) / 2)
    visits = start // max(1, round(p.merge * SECOND))
    found = many(some, key, visits, p.intervals + 1)
    at = np.flatnonzero(found)
    if len(at):
        number = distinct(key[at]).number
        first = np.full(number.max() + 1, np.iinfo(np.int64).max)
        last = np.full(number.max() + 1, np.iinfo(np.int64).min)
        np.minimum.at(first, number, start[at])
        np.maximum.at(last, number, start[at])
        found[at] = (last - first)[number] >= share * p.lasting * SECOND
    return found


def _to_one(rows: Rows, macs: Rows) -> Mask:
    """(n,) sessions from a device to one receiver; not the later fragments of others."""
    first_octet = np.append(macs["mac"][:, 0], 0)  # no link address: index -1
    found: Mask = rows["orig_mac"] >= 0
    found &= (first_octet[rows["resp_mac"]] & _GROUP_BIT) == 0
    ports = (rows["orig_port"] != 0) | (rows["resp_port"] != 0)
    found &= ports | ~among(rows["proto"], (TCP, UDP))
    found &= ~groups(rows["resp_ip"])
    return found


def _disputed(arp: Rows) -> Mask:
    """(n,) ARP packets about addresses that more than one MAC has claimed, or in another's name."""
    halves = np.ascontiguousarray(arp["src_ip"]).view(np.uint64)
    found = many(np.ones(len(arp), np.bool_), key_of(*halves.T), arp["arp_sha"], 2)
    named = arp["arp_sha"][arp["arp_sha"] != arp["src_mac"]]
    if len(named):
        found |= member(key_of(arp["arp_sha"]), key_of(named))
    return found


def _asked(arp: Rows, p: Parameters) -> Mask:
    """(n,) questions of devices that ask for many addresses, and ARP packets of those addresses."""
    source, target = (
        key_of(*np.ascontiguousarray(arp[name]).view(np.uint64).T) for name in ("src_ip", "dst_ip")
    )
    asks = (arp["arp_op"] == REQUEST) & (source != target)
    mac = arp["src_mac"]
    window = Window(p.arp_scan.targets, arp["time"], p.arp_scan.window)
    key = key_of(mac)
    asks &= many(asks, key, target, window.least)
    close = crowded(asks, key, window)
    if not close.any():
        return close
    asks &= member(key, key[close])
    found: Mask = asks | member(source, target[asks])
    return found
