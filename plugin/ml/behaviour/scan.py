"""Scans: many hosts asked at one port, or many ports of one host, in vain.

The count of failed first contacts is the classic evidence (Jung, Paxson, Berger, Balakrishnan:
Fast Portscan Detection Using Sequential Hypothesis Testing, 2004); a sliding window of distinct
targets is what a person can check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Bounded, Finding, Found, Window
from plugin.traffic import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import ScanParameters
    from plugin.traffic import Event

PROTOCOLS = {6: "TCP", 17: "UDP"}


class HorizontalScan:
    """One port, many hosts. Takes the openings that failed."""

    takes = Opened

    def __init__(self, parameters: ScanParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._windows: Bounded[tuple[str, int, int], Window[bytes]] = Bounded(parameters.tracked)

    def _window(self) -> Window[bytes]:
        return Window(round(self._p.window * SECOND))

    def step(self, event: Event) -> Iterator[Found]:
        """Take a failed opening."""
        if not isinstance(event, Opened) or event.proto not in PROTOCOLS:
            return
        p = self._p
        key = (event.mac, event.proto, event.resp_port)
        window = self._windows.touch(key, self._window)
        window.add(event.time, event.resp_ip)
        if window.distinct >= p.targets and window.due(event.time, round(p.repeat * SECOND)):
            where = f"{PROTOCOLS[event.proto]} port {event.resp_port}"
            yield Found(
                event.time,
                event.mac,
                Finding(
                    "horizontal-scan",
                    float(window.distinct),
                    float(p.targets),
                    (f"{window.distinct} hosts on {where} in {p.window:g} s, none answered",),
                    tuple(f"{address_text(ip)}" for ip in window.examples()),
                ),
            )


class VerticalScan:
    """One host, many ports. Takes the openings that failed."""

    takes = Opened

    def __init__(self, parameters: ScanParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._windows: Bounded[tuple[str, bytes], Window[tuple[int, int]]] = Bounded(
            parameters.tracked
        )

    def _window(self) -> Window[tuple[int, int]]:
        return Window(round(self._p.window * SECOND))

    def step(self, event: Event) -> Iterator[Found]:
        """Take a failed opening."""
        if not isinstance(event, Opened) or event.proto not in PROTOCOLS:
            return
        p = self._p
        window = self._windows.touch((event.mac, event.resp_ip), self._window)
        window.add(event.time, (event.proto, event.resp_port))
        if window.distinct >= p.targets and window.due(event.time, round(p.repeat * SECOND)):
            host = address_text(event.resp_ip)
            yield Found(
                event.time,
                event.mac,
                Finding(
                    "vertical-scan",
                    float(window.distinct),
                    float(p.targets),
                    (f"{window.distinct} ports of {host} in {p.window:g} s, none answered",),
                    tuple(f"{PROTOCOLS[proto]} {port}" for proto, port in window.examples()),
                ),
            )
