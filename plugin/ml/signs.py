"""Signs that speak against a device: what each counts, in which unit, and how people are told.

A row is a device in a window of 15 minutes; a *sign* is one count or rate of things that misdeeds
are made of: contacts that fail, many hosts or ports, other machines' administration, services
without a name, sizes and rates that a protocol does not need. They count below the thresholds of
the behaviours, too. More of a sign is never better, and none says by itself that something is
wrong: how much each weighs is learned (:mod:`plugin.ml.suspicion`). What a device opens itself
counts, so that who is attacked is not the suspect. Headers only, wire lengths only; no address, no
time of day. :mod:`plugin.offline.evidence` counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 900.0
"""Seconds."""
KB = 1024.0


class Sign(NamedTuple):
    """One column."""

    name: str
    scale: float
    """So much of it is one step: what is learned from is log2(1 + value / scale)."""
    words: str
    """Of a value, for people."""
    definition: str
    usual: float = 0.0
    """So much is ordinary in offices, whatever the captures show; the floor is never lower, nor
    than one step, so that nothing accuses by one event."""
    because: str = ""
    """Who does ``usual`` every day. docs/suspicion.md shows it."""
    alone: bool = True
    """False: ordinary devices may well do it that we have no capture of, so it makes a device rank
    higher, but never suspicious by itself."""


_OFF = "a monitoring or backup server at night: sixty PCs of a small office are switched off"
_PROXY = (
    "a reverse proxy: nginx opens a session to its backend for each request unless told"
    " otherwise, and fifty requests a second are no load"
)
SIGNS = (
    Sign("hosts_failed", 1, "{:.0f} hosts asked in vain at one port",
         "most hosts at one TCP or UDP port that never answered, or refused, beyond those that"
         " did answer there",
         60, _OFF),
    Sign("ports_failed", 1, "{:.0f} ports of one host asked in vain",
         "most TCP and UDP ports of one host that never answered, or refused; all ports of a"
         " traceroute are one",
         8, "a domain controller is down: DNS, Kerberos, LDAP, SMB, RPC, time, password change,"
         " global catalogue"),
    Sign("ports_at_once", 1, "{:.0f} ports of one host asked within a second",
         "most TCP and UDP ports of one host that were asked within a second of the clock; all"
         " ports of a traceroute are one, data ports of FTP none",
         8, "a workstation logs on to its domain controller"),
    Sign("tries_failed", 1, "{:.0f} tries in vain at one service",
         "most sessions to one port of one host that were not answered, or refused",
         alone=False),  # logs sent over UDP are never answered
    Sign("outside_failed", 1, "{:.0f} outside services asked in vain",
         "outside addresses and ports over TCP that did not answer, or refused",
         60, "the uplink fails while some pages are open: each asks ten hosts and more"),
    Sign("admin_hosts", 1, "{:.0f} inside hosts asked at administration ports",
         "inside hosts whose SSH, Telnet, RPC, SMB, RDP, VNC or WinRM was asked for",
         alone=False),  # administrators do, and who works with a share
    Sign("admin_sessions", 1, "{:.0f} sessions to one host's administration port",
         "most connections to one such port of one inside host, each from a port of its own",
         alone=False),
    Sign("turned", 1,
         "asks {:.0f} inside services by whose kind it was administered itself before",
         "inside hosts and administration ports asked after the device had served the same port",
         8, "jump hosts; servers that fetch their policy from two others"),
    Sign("burst", 4, "{:.0f} TCP sessions to one service within a second",
         "most TCP sessions opened to one port of one host within a second of the clock",
         50, _PROXY),
    Sign("outside_unnamed", 1, "{:.0f} outside services on ports of no known service",
         "outside addresses and TCP ports, no service's, to which a session was opened; data ports"
         " of FTP are none",
         8, "applications with ports of their own: video calls at 8801, push at 5229 and 5230,"
         " music at 4070"),
    Sign("outside_unnamed_bytes", KB, "{:,.0f} bytes with outside ports of no known service",
         "payload both ways of those sessions",
         alone=False),  # a TLS VPN or a web application at a port of its own: any volume
    Sign("unasked", 1, "{:.0f} more outside hosts than name queries",
         "outside hosts to which a TCP session was opened beyond the number of DNS packets sent",
         alone=False),  # names may be asked for over TLS
    Sign("plain_download", 16 * KB, "{:,.0f} bytes from one outside web server in plain text",
         "most payload from one outside host's TCP ports 80, 8000 and 8080",
         alone=False),  # systems fetch their updates so
    Sign("tcp_queries", 1, "{:.0f} TCP connections to outside name servers",
         "TCP connections to port 53 of outside hosts",
         40, "the resolver of fifty busy PCs: of 20,000 lookups a fifth is not in its memory, and"
         " of those one in a hundred is too long for UDP (RFC 7766)"),
    Sign("push", 16 * KB, "{:,.0f} bytes more sent to an inside port of no known service than got",
         "most payload sent to one such inside service, less what came back",
         alone=False),  # logs over TLS, backups, images pushed to a registry
    Sign("query_size", 16, "name queries of {:.0f} bytes beyond the usual",
         "highest mean payload of the packets to a DNS server (of four at least), less 48 bytes",
         81, "who looks up IPv6 addresses (mail servers, log viewers): 12 bytes of header, 74 of"
         " name (RFC 3596), 4, and 39 of EDNS with a cookie (RFC 7873)"),
    Sign("dns_bytes", 4 * KB, "{:,.0f} bytes exchanged with one name server",
         "most payload both ways with one DNS server",
         4.6e6, "the forwarder of fifty busy PCs: 400 lookups each, 230 bytes for question and"
         " answer"),
    Sign("ping_size", 16, "pings of {:.0f} bytes beyond the usual",
         "highest mean payload of ICMP packets to one host (of four at least), less 64 bytes"),
    Sign("ping_hosts", 1, "{:.0f} hosts pinged in vain",
         "hosts to which echo requests were sent that never answered, beyond those that did",
         60, _OFF),
    Sign("syn_rate", 8, "{:.0f} SYN packets a second to one address",
         "most TCP SYN packets to one address in a second of the clock",
         50, _PROXY),
    Sign("udp_rate", 64, "{:.0f} UDP packets a second to one address, unanswered",
         "most UDP packets to one address in a second of the clock, less sixteen times as many as"
         " came back from it",
         1000, "a camera's stream that goes one way: 4K at 12 Mbit/s, 1,400 bytes a packet"),
    Sign("ping_rate", 4, "{:.0f} pings a second to one address",
         "most echo requests to one address in a second of the clock",
         30, "a path watched with mtr: thirty hops a second, all to the same address"),
    Sign("group_rate", 8, "{:.0f} packets a second to everybody",
         "highest mean rate of a session (of a second at least) to the broadcast address or a group"
         " that every host of the link gets (224.0.0.0/24, ff02::/16: RFC 4541); groups that one"
         " joins, as for video, are none of it",
         60, "sixty PCs of a small office are woken at once, by a packet each"),
    Sign("arp_unanswered", 4, "{:.0f} addresses asked for by ARP that nobody has",
         "different addresses asked for by ARP that were never heard of",
         60, _OFF),
    Sign("arp_claims", 1, "{:.0f} addresses claimed that another device claimed first",
         "different addresses that it claims by ARP and another did before",
         alone=False),  # docked laptops, leases given again, standby routers; spoofing has a name
    Sign("arp_addresses", 1, "{:.0f} more addresses than one claimed by ARP",
         "different addresses that it claims by ARP, link-local ones left out, less one",
         16, "a web host with sixteen addresses; a VPN gateway that answers for as many clients"
         " (RFC 1027)"),
    Sign("bare_syn", 1, "{:.0f} connections asked for without any TCP option",
         "TCP sessions whose first packet has no MSS option, which ordinary systems always send"),
    Sign("senders", 4, "{:.0f} senders behind it with sessions to one host",
         "most different source addresses of its sessions to one address",
         16, "a wireless repeater that lends its sixteen clients one link address; containers"
         " (ipvlan)"),
    Sign("beat", 4, "{:.0f} gaps of one length between visits to one outside service",
         "gaps within 10 % of their median, beyond half of all, of sessions to one outside"
         " service; five gaps and five minutes at least",
         30, "a client that asks every thirty seconds"),
)  # fmt: skip
"""All columns, in order."""
NAMES = tuple(sign.name for sign in SIGNS)
SCALES = np.array([sign.scale for sign in SIGNS])
FLOORS = np.log2(1 + np.maximum([sign.usual for sign in SIGNS], SCALES) / SCALES)
"""(n_signs,) steps: no floor is lower. Chosen from what offices do, not from any attack."""


def steps_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same shape: log2(1 + value / scale)."""
    found: NDArray[np.float64] = np.log2(1 + np.maximum(values, 0) / SCALES)
    return found


def said(sign: Sign, value: float) -> str:
    """A sign with its value, in words; of one thing in the singular."""
    text = sign.words.format(value)
    if not text.startswith("1 ") and " 1 " not in text:
        return text
    words = text.split(" ")
    first = next((k for k, word in enumerate(words) if word in _SINGULAR), len(words))
    return " ".join(_SINGULAR[word] if k == first else word for k, word in enumerate(words))


_SINGULAR = {
    "hosts": "host", "ports": "port", "tries": "try", "services": "service",
    "sessions": "session", "bytes": "byte", "senders": "sender",
}  # fmt: skip
