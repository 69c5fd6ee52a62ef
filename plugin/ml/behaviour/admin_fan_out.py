"""Fan-out on admin ports: a device gets in touch with many hosts' remote administration.

SMB, RDP, WinRM and SSH are how an intruder goes from host to host (MITRE ATT&CK T1021). Here the
hosts answer: those that do not are what ``horizontal-scan`` counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Finding, Found, Windows
from plugin.traffic import Answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.finding import Held
    from plugin.ml.behaviour.parameters import FanOutParameters
    from plugin.traffic import Event

TCP = 6


def fan_out(p: FanOutParameters, port: int, held: Held) -> Finding:
    """Words for it; the port is the last one."""
    hosts = f"{held.words} hosts answered it on ports of remote administration"
    return Finding(
        "admin-fan-out",
        float(held.number),
        float(p.hosts),
        (f"{hosts} in {p.window:g} s, the last on {port}",),
        tuple(map(address_text, held.examples)),
    )


class AdminFanOut:
    """Counts the hosts that answer a device at a port of remote administration."""

    takes = Answered

    def __init__(self, parameters: FanOutParameters) -> None:
        """Start with nothing seen."""
        p = self._p = parameters
        self._ports = frozenset(p.ports)
        self._windows: Windows[str, bytes] = Windows(p.tracked, p.window, p.hosts)

    def step(self, event: Event) -> Iterator[Found]:
        """Take an answered session."""
        if not isinstance(event, Answered) or event.refused:
            return
        opened, p = event.opened, self._p
        if opened.proto != TCP or not opened.fresh or opened.resp_port not in self._ports:
            return
        window = self._windows.add(opened.mac, event.time, opened.resp_ip)
        if window.count >= p.hosts and window.due(event.time, round(p.repeat * SECOND)):
            told = fan_out(p, opened.resp_port, window.held())
            yield Found(event.time, opened.mac, told)
