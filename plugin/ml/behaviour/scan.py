"""Scans: many hosts asked at one port, or many ports of one host, in vain.

The count of failed first contacts is the classic evidence (Jung, Paxson, Berger, Balakrishnan:
Fast Portscan Detection Using Sequential Hypothesis Testing, 2004); a sliding window of distinct
targets is what a person can check. Ten ports within 5 ms are a scan by default for Junos' screen
``port-scan``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Finding, Found, Windows
from plugin.traffic import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import PortScanParameters, ScanParameters
    from plugin.traffic import Event

PROTOCOLS = {6: "TCP", 17: "UDP"}


class HorizontalScan:
    """One port, many hosts. Takes the openings that failed."""

    takes = Opened

    def __init__(self, parameters: ScanParameters) -> None:
        """Start with nothing seen."""
        p = self._p = parameters
        self._windows: Windows[tuple[str, int, int], bytes] = Windows(
            p.tracked, p.window, p.targets
        )

    def step(self, event: Event) -> Iterator[Found]:
        """Take a failed opening."""
        if not isinstance(event, Opened) or event.proto not in PROTOCOLS:
            return
        p = self._p
        key = (event.mac, event.proto, event.resp_port)
        window = self._windows.add(key, event.time, event.resp_ip)
        if window.count >= p.targets and window.due(event.time, round(p.repeat * SECOND)):
            where = f"{PROTOCOLS[event.proto]} port {event.resp_port}"
            yield Found(
                event.time,
                event.mac,
                Finding(
                    "horizontal-scan",
                    float(window.count),
                    float(p.targets),
                    (f"{window.words} hosts on {where} in {p.window:g} s, none answered",),
                    tuple(f"{address_text(ip)}" for ip in window.examples()),
                ),
            )


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
        item = (event.proto, event.resp_port)
        window = self._windows.add((event.mac, event.resp_ip), event.time, item)
        number, words, span = p.targets, window.words, p.window
        within = round(p.burst_window * SECOND)
        if p.burst <= window.count < number and window.burst(event.time, p.burst, within):
            number, words, span = p.burst, f"{p.burst}", p.burst_window
        if window.count >= number and window.due(event.time, round(p.repeat * SECOND)):
            host = address_text(event.resp_ip)
            yield Found(
                event.time,
                event.mac,
                Finding(
                    "vertical-scan",
                    float(window.count),
                    float(number),
                    (f"{words} ports of {host} in {span:g} s, none answered",),
                    tuple(f"{PROTOCOLS[proto]} {port}" for proto, port in window.examples()),
                ),
            )
