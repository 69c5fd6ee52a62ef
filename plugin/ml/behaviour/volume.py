"""Volumes: answers that nobody's questions explain, and uploads that nothing came back for.

Amplification: the answers of a service that is known to be abused are many times what it was
asked, or were not asked for at all (Rossow: Amplification Hell, NDSS 2014, who calls their share
the bandwidth amplification factor); an attack is 100 packets or more (Kraemer and others: AmpPot,
RAID 2015). Exfiltration: so much sent out, and so little back, is no visit (MITRE ATT&CK TA0010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.addresses import address_text, is_private
from plugin.ml.behaviour.finding import Finding, Found
from plugin.ml.behaviour.sums import SumsOf
from plugin.traffic import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import AmplificationParameters, ExfiltrationParameters
    from plugin.ml.behaviour.sums import Amounts
    from plugin.traffic import Event


def amplifies(p: AmplificationParameters, s: Amounts) -> Any:
    """Whether answers are many, large, and far larger than what was asked; also on arrays."""
    large = (s.packets >= p.packets) & (s.payload >= p.bytes)
    return large & (s.payload >= p.factor * s.back_payload)


def one_sided(p: AmplificationParameters, s: Amounts) -> Any:
    """Whether hardly anything went the other way; also on arrays.

    Who acknowledges a download sends few bytes, but a packet for every other one (RFC 1122).
    """
    return s.packets >= p.factor * s.back_packets


def leaves(p: ExfiltrationParameters, s: Amounts) -> Any:
    """Whether much was sent, and little came back; also on arrays."""
    return (s.payload >= p.bytes) & (s.payload >= p.ratio * s.back_payload)


def amplification(p: AmplificationParameters, ip: bytes, s: Amounts) -> Finding:
    """Words for answers of services that amplify."""
    target = address_text(ip)
    times = f"{s.payload / s.back_payload:.0f} times what" if s.back_payload else "nothing"
    answers = f"{s.packets} answers of services that amplify, {s.payload:,} bytes"
    told = f"{answers}, to {target} in {p.window:g} s; {times} was asked from there"
    return Finding("amplification", float(s.payload), float(p.bytes), (told,), (target,))


def exfiltration(p: ExfiltrationParameters, ip: bytes, s: Amounts) -> Finding:
    """Words for much that left."""
    target = address_text(ip)
    sent = f"sent {s.payload:,} bytes to {target} in {p.window:g} s"
    told = f"{sent}, and got {s.back_payload:,} back"
    return Finding("exfiltration", float(s.payload), float(p.bytes), (told,), (target,))


class Amplification:
    """What a device answers under the ports of services that are known to be abused.

    What was asked for counts only where the one who asked is outside: inside, whoever manages a
    switch or looks for a printer gets answers of that size.
    """

    takes = Counted
    kinds = ("served", "unasked")

    def __init__(self, parameters: AmplificationParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._sums: SumsOf[tuple[str, str, bytes]] = SumsOf(parameters.tracked, parameters.window)

    def step(self, event: Event) -> Iterator[Found]:
        """Take a second's count."""
        if not isinstance(event, Counted) or event.kind not in self.kinds:
            return
        p, unasked = self._p, event.kind == "unasked"
        if not unasked and is_private(event.resp_ip):
            return
        sums = self._sums.add((event.mac, event.kind, event.resp_ip), event)
        if (
            not amplifies(p, sums)
            or (unasked and not one_sided(p, sums))
            or not sums.due(event.time, p.repeat)
        ):
            return
        yield Found(event.time, event.mac, amplification(p, event.resp_ip, sums))


class Exfiltration:
    """What a device sends to one outside address, in sessions that it began itself."""

    takes = Counted
    kinds = ("load", "udp", "dns", "icmp")

    def __init__(self, parameters: ExfiltrationParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._sums: SumsOf[tuple[str, bytes]] = SumsOf(parameters.tracked, parameters.window)

    def step(self, event: Event) -> Iterator[Found]:
        """Take a second's count."""
        if not isinstance(event, Counted) or event.kind not in self.kinds:
            return
        p = self._p
        if is_private(event.resp_ip):
            return
        sums = self._sums.add((event.mac, event.resp_ip), event)
        if leaves(p, sums) and sums.due(event.time, p.repeat):
            yield Found(event.time, event.mac, exfiltration(p, event.resp_ip, sums))
