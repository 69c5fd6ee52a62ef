"""Brute force: again and again a new, answered session to a service that asks for a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Finding, Found, Windows
from plugin.traffic import Answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.finding import Held
    from plugin.ml.behaviour.parameters import BruteForceParameters
    from plugin.traffic import Event

TCP = 6


def guesses(p: BruteForceParameters, ip: bytes, port: int, held: Held) -> Finding:
    """Words for it."""
    where = f"{address_text(ip)} port {port}"
    return Finding(
        "brute-force",
        float(held.number),
        float(p.sessions),
        (f"{held.words} sessions to {where} in {p.window:g} s",),
        (where,),
    )


class BruteForce:
    """Counts answered sessions from a device to one host's login service."""

    takes = Answered

    def __init__(self, parameters: BruteForceParameters) -> None:
        """Start with nothing seen."""
        p = self._p = parameters
        self._ports = frozenset(parameters.ports)
        self._windows: Windows[tuple[str, bytes, int], int] = Windows(
            p.tracked, p.window, p.sessions
        )

    def step(self, event: Event) -> Iterator[Found]:
        """Take an answered session."""
        if not isinstance(event, Answered) or event.refused:
            return
        opened, p = event.opened, self._p
        if opened.proto != TCP or not opened.fresh or opened.resp_port not in self._ports:
            return
        key = (opened.mac, opened.resp_ip, opened.resp_port)
        window = self._windows.add(key, event.time, opened.session)
        if window.count >= p.sessions and window.due(event.time, round(p.repeat * SECOND)):
            told = guesses(p, opened.resp_ip, opened.resp_port, window.held())
            yield Found(event.time, opened.mac, told)
