"""Tunnels: what is carried in DNS queries, or in pings, told by sizes and rates alone.

DNS: a name of more than 52 letters deserves a look (Farnham: Detecting DNS Tunneling, SANS 2013);
so a *mean* query above what such a name takes is no naming. In the other direction signatures
(RFC 4034) take many answers of a validating forwarder above 512 bytes; on average they stay well
below the 1,232 that servers send at most since the DNS flag day of 2020, which a tunnel fills.
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
    from plugin.ml.behaviour.sums import Amounts
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


def dns_tunnel(p: DnsTunnelParameters, ip: bytes, s: Amounts) -> Finding:
    """Words for a tunnel in queries; in answers, where these are not too long."""
    long = long_queries(p, s)
    what, number, some = "queries", s.packets, s.payload
    if not long:
        what, number, some = "answers", s.back_packets, s.back_payload
    server = address_text(ip)
    told = f"{number} DNS {what} of {some / number:.0f} bytes each, on average"
    return Finding(
        "dns-tunnel",
        round(some / number, 1),
        float(p.query if long else p.answer),
        (f"{told}, {'to' if long else 'from'} {server} in {p.window:g} s",),
        (server,),
    )


def icmp_tunnel(p: IcmpTunnelParameters, ip: bytes, s: Amounts) -> Finding:
    """Words for pings that are unlike their replies; else for those that carry much."""
    target = address_text(ip)
    if unlike(p, s):
        sent, returned = s.payload / s.packets, s.back_payload / s.back_packets
        told = f"{s.packets} pings to {target} in {p.window:g} s"
        sizes = f"bring {sent:.0f} bytes each, on average, and {returned:.0f} come back"
        return _icmp(abs(sent - returned), p.differ, f"{told} {sizes}", target)
    carried = s.payload + s.back_payload
    told = f"pings to {target} carried {carried:,} bytes in {p.window:g} s"
    return _icmp(carried, p.bytes, told, target)


def _icmp(score: float, threshold: float, told: str, target: str) -> Finding:
    return Finding("icmp-tunnel", round(score, 1), float(threshold), (told,), (target,))


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
        if (long_queries(p, sums) or large_answers(p, sums)) and sums.due(event.time, p.repeat):
            yield Found(event.time, event.mac, dns_tunnel(p, event.resp_ip, sums))


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
        p = self._p
        sums = self._sums.add((event.mac, event.resp_ip), event)
        if (unlike(p, sums) or heavy(p, sums)) and sums.due(event.time, p.repeat):
            yield Found(event.time, event.mac, icmp_tunnel(p, event.resp_ip, sums))
