"""Behaviours of a whole capture, judged by the compiled core: rules in, findings out.

The core is equal to the detectors of :mod:`plugin.ml.behaviour` on the same events; so are the
words, which are theirs. Computes only.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin import core
from plugin.ml.behaviour.admin_fan_out import fan_out
from plugin.ml.behaviour.arp import CONFLICT, conflict, spoofing
from plugin.ml.behaviour.arp_scan import Outcome, arp_scan
from plugin.ml.behaviour.beacon import Rhythm, beacon
from plugin.ml.behaviour.brute_force import guesses
from plugin.ml.behaviour.dhcp_flood import dhcp_flood
from plugin.ml.behaviour.finding import SECOND, Found, Held
from plugin.ml.behaviour.flood import flood
from plugin.ml.behaviour.icmp_sweep import sweep
from plugin.ml.behaviour.mac_conflict import mac_conflict
from plugin.ml.behaviour.scan import horizontal, vertical
from plugin.ml.behaviour.sums import parts_of
from plugin.ml.behaviour.tunnel import dns_tunnel, icmp_tunnel
from plugin.ml.behaviour.volume import amplification, exfiltration
from plugin.records import mac_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.ml.behaviour.finding import Finding
    from plugin.ml.behaviour.parameters import Parameters
    from plugin.records import Capture

_FLOODS = ("syn", "udp", "icmp")
_LOGIN, _ADMIN, _REGULAR, _EVERYDAY = 1, 2, 4, 8
_LONGEST = 1 << 60
"""ns, 36 years: as long as the core counts."""
_TOLD = struct.Struct("<8x q 4q 2d 16s 4i H 2B I 80s")


class _Told(NamedTuple):
    """A finding as the core tells it: numbers and addresses, of which each kind has its own."""

    time: int
    numbers: tuple[int, int, int, int]
    shares: tuple[float, float]
    ip: bytes
    mac: str
    other: str
    third: str
    port: int
    how: int
    cut: bool
    examples: tuple[bytes, ...]

    @property
    def held(self) -> Held:
        """What a window holds."""
        return Held(self.numbers[0], self.cut, self.examples)

    @property
    def sums(self) -> _Amounts:
        """Sums of a window."""
        return _Amounts(*self.numbers)


class _Amounts(NamedTuple):
    """Sums of a window, as ``plugin.ml.behaviour.sums.Amounts``."""

    packets: int
    payload: int
    back_packets: int
    back_payload: int


def compiled_findings(capture: Capture, p: Parameters) -> list[Found] | None:
    """Findings in order of the events that completed them; None without the compiled core.

    Args:
        capture: read with ``watched=True``.
        p: of the detectors.
    """
    told = core.behaviours(*packed(capture, p))
    return None if told is None else in_words(told, capture, p)


def packed(capture: Capture, p: Parameters) -> tuple[core.Capture, int | None, bytes, bytes]:
    """A capture and rules as the core takes them."""
    watched = capture.watched
    assert watched is not None, "read without watched=True"
    rows = (capture.sessions, capture.macs, *watched)
    sessions, macs, seconds, arp, uses = (np.ascontiguousarray(one).view("u1").data for one in rows)
    return (sessions, macs, seconds, arp, uses), capture.totals.last_ns, _ports(p), _rules(p)


def in_words(told: bytes, capture: Capture, p: Parameters) -> list[Found]:
    """What the core tells of a capture, as findings."""
    macs, found = capture.macs["mac"], []
    for values in _TOLD.iter_unpack(told):
        what, how, cut, shown, packed_examples = values[-5:]
        mac, other, third = (mac_text(macs[at].tobytes()) for at in values[8:11])
        ends = range(16, 16 * shown + 16, 16)
        examples = tuple(packed_examples[end - 16 : end] for end in ends)
        numbers, shares, ip, port = values[1:5], values[5:7], values[7], values[11]
        one = _Told(
            values[0], numbers, shares, ip, mac, other, third, port, how, bool(cut), examples
        )
        finding = _WORDS[what](p, one)
        # A quarrel is told of both.
        named = dict.fromkeys((one.other, one.mac)) if finding.name == CONFLICT else (one.mac,)
        found += [Found(one.time, device, finding) for device in named]
    return found


def _ports(p: Parameters) -> bytes:
    """Of all ports, what the core needs to know."""
    found = bytearray(1 << 16)
    for ports, bit in (
        (p.brute_force.ports, _LOGIN),
        (p.admin_fan_out.ports, _ADMIN),
        (p.beacon.ignored_ports, _REGULAR),
        (p.horizontal_scan.everyday_ports, _EVERYDAY),
    ):
        for port in ports:
            found[port] |= bit
    return bytes(found)


def _ns(seconds: float) -> int:
    return min(round(seconds * SECOND), _LONGEST)


def _window(least: int, window: float, repeat: float, tracked: int) -> tuple[int, ...]:
    """A rule about a window, as the core's ``window_rule``."""
    return (least, _ns(window), _ns(repeat), tracked)


def _summed(window: float, repeat: float, tracked: int) -> tuple[int, ...]:
    """A rule about sliding sums, as the core's ``sums_rule``."""
    return (*parts_of(window), _ns(repeat), tracked)


def _rules(p: Parameters) -> bytes:
    """The core's ``rules``, field by field."""
    wide, deep, guess, admin = p.horizontal_scan, p.vertical_scan, p.brute_force, p.admin_fan_out
    arp, spoof, named, ping = p.arp_scan, p.arp_spoofing, p.mac_conflict, p.icmp_sweep
    large, dns, icmp, out = p.amplification, p.dns_tunnel, p.icmp_tunnel, p.exfiltration
    numbers = (
        _ns(p.attempts.grace), p.attempts.waiting,
        *_window(wide.targets, wide.window, wide.repeat, wide.tracked),
        *_window(deep.targets, deep.window, deep.repeat, deep.tracked),
        deep.burst, _ns(deep.burst_window),
        *_window(guess.sessions, guess.window, guess.repeat, guess.tracked),
        *_window(admin.hosts, admin.window, admin.repeat, admin.tracked),
        *_window(ping.targets, ping.window, ping.repeat, ping.tracked),
        *_window(spoof.claims, spoof.window, spoof.repeat, spoof.tracked),
        *_window(named.claims, named.window, named.repeat, named.tracked),
        *_window(arp.targets, arp.window, arp.repeat, arp.tracked),
        _ns(spoof.silence), _ns(arp.grace), arp.answers, arp.waiting,
        p.beacon.intervals, _ns(p.beacon.repeat), p.beacon.tracked,
        *(getattr(p.flood, name) for name in _FLOODS),
        p.flood.seconds, p.flood.burst, _ns(p.flood.repeat), p.flood.tracked,
        *_summed(p.dhcp_flood.window, p.dhcp_flood.repeat, p.dhcp_flood.tracked),
        *_summed(large.window, large.repeat, large.tracked),
        *_summed(dns.window, dns.repeat, dns.tracked),
        *_summed(icmp.window, icmp.repeat, icmp.tracked),
        *_summed(out.window, out.repeat, out.tracked),
        p.dhcp_flood.messages, large.packets, large.bytes, dns.queries, icmp.echoes, icmp.bytes,
        out.bytes,
    )  # fmt: skip
    shares = (
        p.beacon.period * SECOND, p.beacon.lasting * SECOND, p.beacon.jitter,
        p.beacon.merge * SECOND, named.silence * SECOND, arp.answered, large.factor, dns.query,
        dns.answer, icmp.differ, out.ratio, wide.answered, p.flood.answered,
    )  # fmt: skip
    return struct.pack(f"<{len(numbers)}q{len(shares)}d", *numbers, *shares)


def _conflict(p: Parameters, t: _Told) -> Finding:
    both = dict.fromkeys((t.other, t.mac))
    return conflict(p.arp_spoofing, both, t.third, t.ip, t.held)


def _vertical(p: Parameters, t: _Told) -> Finding:
    """Its items are a protocol and a port, which the core packs into one number."""
    packed = (int.from_bytes(one[:8], "little") for one in t.examples)
    held = t.held._replace(examples=tuple((one & 0xFFFF, one >> 16) for one in packed))
    return vertical(p.vertical_scan, t.ip, held, burst=bool(t.how))


def _flood(p: Parameters, t: _Told) -> Finding:
    return flood(p.flood, _FLOODS[t.how], t.ip, t.numbers[0], t.numbers[1])


def _beacon(p: Parameters, t: _Told) -> Finding:
    spread, period = t.shares
    return beacon(p.beacon, t.ip, t.port, Rhythm(period, spread, t.numbers[0]))


def _arp_scan(p: Parameters, t: _Told) -> Finding:
    vain, asked, answered, _ = t.numbers
    return arp_scan(p.arp_scan, Outcome(vain, asked, answered, t.examples))


_WORDS: tuple[Callable[[Parameters, _Told], Finding], ...] = (
    lambda p, t: horizontal(p.horizontal_scan, t.how, t.port, t.held, t.numbers[1]),
    _vertical,
    lambda p, t: guesses(p.brute_force, t.ip, t.port, t.held),
    lambda p, t: fan_out(p.admin_fan_out, t.port, t.held),
    _beacon,
    _flood,
    lambda p, t: sweep(p.icmp_sweep, t.held),
    lambda p, t: dhcp_flood(p.dhcp_flood, t.ip, t.sums),
    lambda p, t: amplification(p.amplification, t.ip, t.sums),
    lambda p, t: dns_tunnel(p.dns_tunnel, t.ip, t.sums),
    lambda p, t: icmp_tunnel(p.icmp_tunnel, t.ip, t.sums),
    lambda p, t: exfiltration(p.exfiltration, t.ip, t.sums),
    _arp_scan,
    lambda p, t: spoofing(p.arp_spoofing, t.other, t.ip, t.held),
    _conflict,
    lambda p, t: mac_conflict(p.mac_conflict, t.other, t.held),
)
"""Of each kind of finding, in the order of the core's numbers for them."""
