"""Tunnels: what is carried in DNS queries, or in pings, told by sizes and rates alone.

DNS: a name of more than 52 letters deserves a look (Farnham: Detecting DNS Tunneling, SANS 2013);
so a *mean* query above what such a name takes is no naming. In the other direction an answer of
more than 512 bytes needs an extension (RFC 1035, RFC 6891), and few do.
ICMP: a reply returns what the request brought (RFC 792, RFC 4443). Where they differ in size, it
is not the host's own echo that answers; and somebody who measures sends few bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import Finding, Found
from plugin.ml.behaviour.sums import SumsOf
from plugin.traffic import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import DnsTunnelParameters, IcmpTunnelParameters
    from plugin.ml.behaviour.sums import Amounts, Sums
    from plugin.traffic import Event


def long_queries(p: DnsTunnelParameters, s: Amounts) -> Any:
    """Whether enough queries are too long, on average; also on arrays."""
    return (s.packets >= p.queries) & (s.payload >= p.query * s.packets)


def large_answers(p: DnsTunnelParameters, s: Amounts) -> Any:
    """Whether enough answers are too large, on average; also on arrays."""
    return (s.back_packets >= p.queries) & (s.back_payload >= p.answer * s.back_packets)


def unlike(p: IcmpTunnelParameters, s: Amounts) -> Any:
    """Whether what comes back has another size than what was sent, on average; also on arrays."""
    enough = (s.packets >= p.echoes) & (s.back_packets >= p.echoes)
    apart = abs(s.payload * s.back_packets - s.back_payload * s.packets)
    return enough & (apart >= p.differ * s.packets * s.back_packets)


def heavy(p: IcmpTunnelParameters, s: Amounts) -> Any:
    """Whether pings carry much; also on arrays."""
    return s.payload + s.back_payload >= p.bytes


class DnsTunnel:
    """Mean sizes of a device's queries to one server, and of the answers."""

    takes = Counted
    kinds = ("dns",)

    def __init__(self, parameters: DnsTunnelParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._sums: SumsOf[tuple[str, bytes]] = SumsOf(parameters.tracked, parameters.window)

    def step(self, event: Event) -> Iterator[Found]:
        """Take a second's count."""
        if not isinstance(event, Counted) or event.kind not in self.kinds:
            return
        p = self._p
        sums = self._sums.add((event.mac, event.resp_ip), event)
        long = long_queries(p, sums)
        if (long or large_answers(p, sums)) and sums.due(event.time, p.repeat):
            what, number, some = "queries", sums.packets, sums.payload
            if not long:
                what, number, some = "answers", sums.back_packets, sums.back_payload
            server = address_text(event.resp_ip)
            told = f"{number} DNS {what} of {some / number:.0f} bytes each, on average"
            yield Found(
                event.time,
                event.mac,
                Finding(
                    "dns-tunnel",
                    round(some / number, 1),
                    float(p.query if long else p.answer),
                    (f"{told}, {'to' if long else 'from'} {server} in {p.window:g} s",),
                    (server,),
                ),
            )


class IcmpTunnel:
    """Echo requests of a device to one address, and what comes back."""

    takes = Counted
    kinds = ("icmp",)

    def __init__(self, parameters: IcmpTunnelParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._sums: SumsOf[tuple[str, bytes]] = SumsOf(parameters.tracked, parameters.window)

    def step(self, event: Event) -> Iterator[Found]:
        """Take a second's count."""
        if not isinstance(event, Counted) or event.kind not in self.kinds:
            return
        sums = self._sums.add((event.mac, event.resp_ip), event)
        finding = self._judged(sums, event.resp_ip)
        if finding is not None and sums.due(event.time, self._p.repeat):
            yield Found(event.time, event.mac, finding)

    def _judged(self, sums: Sums, ip: bytes) -> Finding | None:
        p = self._p
        if unlike(p, sums):
            target = address_text(ip)
            sent, returned = sums.payload / sums.packets, sums.back_payload / sums.back_packets
            told = f"{sums.packets} pings to {target} in {p.window:g} s"
            sizes = f"bring {sent:.0f} bytes each, on average, and {returned:.0f} come back"
            return _icmp(abs(sent - returned), p.differ, f"{told} {sizes}", target)
        if not heavy(p, sums):
            return None
        target, carried = address_text(ip), sums.payload + sums.back_payload
        told = f"pings to {target} carried {carried:,} bytes in {p.window:g} s"
        return _icmp(carried, p.bytes, told, target)


def _icmp(score: float, threshold: float, told: str, target: str) -> Finding:
    return Finding("icmp-tunnel", round(score, 1), float(threshold), (told,), (target,))
