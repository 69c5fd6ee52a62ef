"""Scans: many hosts asked at one port, or many ports of one host, in vain.

The count of failed first contacts is the classic evidence (Jung, Paxson, Berger, Balakrishnan:
Fast Portscan Detection Using Sequential Hypothesis Testing, 2004); a sliding window of distinct
targets is what a person can check. Ten ports within 5 ms are a scan by default for Junos' screen
``port-scan``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text, is_private
from plugin.ml.behaviour.finding import SECOND, Finding, Found, Windows
from plugin.ml.services import TRACED, UDP
from plugin.traffic import Answered, Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.finding import Held, Window
    from plugin.ml.behaviour.parameters import PortScanParameters, ScanParameters
    from plugin.traffic import Event

PROTOCOLS = {6: "TCP", 17: "UDP"}


_Service = tuple[str, int, int, bool]
"""Who asks, protocol, port; whether of inside hosts: outside ones that answer are no excuse."""
DOWN = 2
"""While the way out is down, so many times the targets make a scan: a page asks ten hosts and more,
a resolver its thirty root servers and some."""


def horizontal(p: ScanParameters, proto: int, port: int, held: Held, others: int) -> Finding:
    """Words for a scan of many hosts, others than which answered."""
    some = f" ({others} others did)" if others else ""
    where = f"{PROTOCOLS[proto]} port {port}"
    return Finding(
        "horizontal-scan",
        float(held.number),
        float(p.targets),
        (f"{held.words} hosts on {where} in {p.window:g} s, none answered{some}",),
        tuple(map(address_text, held.examples)),
    )


def vertical(p: PortScanParameters, ip: bytes, held: Held, *, burst: bool) -> Finding:
    """Words for a scan of one host's ports; or for a burst of few."""
    number, words, span = p.targets, held.words, p.window
    if burst:
        number, words, span = p.burst, f"{p.burst}", p.burst_window
    return Finding(
        "vertical-scan",
        float(held.number),
        float(number),
        (f"{words} ports of {address_text(ip)} in {span:g} s, none answered",),
        tuple(f"{PROTOCOLS[proto]} {port}" for proto, port in held.examples),
    )


class HorizontalScan:
    """One port, many hosts. Takes the openings that failed, and all answers."""

    takes = Opened

    def __init__(self, parameters: ScanParameters) -> None:
        """Start with nothing seen."""
        p = self._p = parameters
        self._everyday = frozenset(p.everyday_ports)
        self._windows, self._down, self._answered = (
            Windows[_Service, bytes](p.tracked, p.window, p.targets) for _ in range(3)
        )
        self._outside: int | None = None
        """When an outside host answered anybody last."""

    def step(self, event: Event) -> Iterator[Found]:
        """Take a failed opening, or an answer."""
        if isinstance(event, Answered):
            self._take(event)
        if not isinstance(event, Opened) or event.proto not in PROTOCOLS:
            return
        p = self._p
        inside = is_private(event.resp_ip)
        key = (event.mac, event.proto, event.resp_port, inside)
        down = not inside and self._cut_off(event)
        window = (self._down if down else self._windows).add(key, event.time, event.resp_ip)
        least = DOWN * p.targets if down else p.targets
        if window.count < least or event.time < window.quiet_until:
            return
        others = self._others(key, window, event.time)
        if others < p.answered * (others + window.count):
            window.due(event.time, round(p.repeat * SECOND))
            told = horizontal(p, event.proto, event.resp_port, window.held(), others)
            yield Found(event.time, event.mac, told)

    def _take(self, event: Answered) -> None:
        """Remember who answers at a port, and that outside somebody does."""
        opened = event.opened
        inside = is_private(opened.resp_ip)
        if not inside:
            self._outside = max(self._outside or 0, event.time)
        if opened.proto in PROTOCOLS and not event.refused:
            key = (opened.mac, opened.proto, opened.resp_port, inside)
            self._answered.add(key, opened.time, opened.resp_ip)

    def _cut_off(self, failed: Opened) -> bool:
        """Whether the way out was down for it: outside nobody answered since, and some had before.

        Only what everybody asks for all the time is excused by it.
        """
        if failed.resp_port not in self._everyday or self._outside is None:
            return False
        return self._outside < failed.time

    def _others(self, key: _Service, failed: Window[bytes], now: int) -> int:
        """How many hosts asked at a port within the window have answered there.

        Of too many that failed the last are kept: then so far back the others are looked at.
        """
        answered = self._answered.get(key)
        if answered is None:
            return 0
        since = failed.first if failed.cut else now - round(self._p.window * SECOND)
        return answered.since(since)


def at_port(proto: int, port: int) -> int:
    """The port that was asked; all of a traceroute's or tracepath's are its first."""
    traced = (first for first, last in TRACED if proto == UDP and first <= port <= last)
    return next(traced, port)


class VerticalScan:
    """One host, many ports. Takes the openings that failed."""

    takes = Opened

    def __init__(self, parameters: PortScanParameters) -> None:
        """Start with nothing seen."""
        p = self._p = parameters
        self._windows: Windows[tuple[str, bytes], tuple[int, int]] = Windows(
            p.tracked, p.window, p.targets
        )

    def step(self, event: Event) -> Iterator[Found]:
        """Take a failed opening."""
        if not isinstance(event, Opened) or event.proto not in PROTOCOLS:
            return
        p = self._p
        item = (event.proto, at_port(event.proto, event.resp_port))
        window = self._windows.add((event.mac, event.resp_ip), event.time, item)
        within, few = round(p.burst_window * SECOND), p.burst <= window.count < p.targets
        burst = few and window.burst(event.time, p.burst, within)
        enough = burst or window.count >= p.targets
        if enough and window.due(event.time, round(p.repeat * SECOND)):
            told = vertical(p, event.resp_ip, window.held(), burst=burst)
            yield Found(event.time, event.mac, told)
