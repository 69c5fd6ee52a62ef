"""DHCP flood: a client asks again and again, for each address that the server has left.

A client waits 4 s for an answer, then twice as long each time (RFC 2131 section 4.1): four or
five messages in the first minute. Asking under many names takes the pool away from the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import Finding, Found
from plugin.ml.behaviour.sums import SumsOf
from plugin.traffic import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import DhcpFloodParameters
    from plugin.ml.behaviour.sums import Amounts
    from plugin.traffic import Event


def floods(p: DhcpFloodParameters, s: Amounts) -> Any:
    """Whether these are too many messages; also on arrays."""
    return s.packets >= p.messages


def dhcp_flood(p: DhcpFloodParameters, ip: bytes, s: Amounts) -> Finding:
    """Words for it; the address is the last one."""
    told = f"{s.packets} DHCP requests in {p.window:g} s"
    return Finding("dhcp-flood", float(s.packets), float(p.messages), (told,), (address_text(ip),))


class DhcpFlood:
    """Adds up a device's messages to DHCP servers, however its requests name it."""

    takes = Counted
    kinds = ("dhcp",)

    def __init__(self, parameters: DhcpFloodParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._sums: SumsOf[str] = SumsOf(parameters.tracked, parameters.window)

    def step(self, event: Event) -> Iterator[Found]:
        """Take a second's count."""
        if not isinstance(event, Counted) or event.kind not in self.kinds:
            return
        p = self._p
        sums = self._sums.add(event.mac, event)
        if floods(p, sums) and sums.due(event.time, p.repeat):
            yield Found(event.time, event.mac, dhcp_flood(p, event.resp_ip, sums))
