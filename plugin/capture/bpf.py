"""Classic BPF programs: how many bytes of a frame the kernel copies into the ring. Pure.

The kernel has taken a VLAN tag out before a program sees the frame (``skb_vlan_untag``), so the
EtherType stands at 12. A load beyond the frame's end would drop the frame, hence the length tests.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

_pack = Struct("=HBBI").pack
_LOAD_LENGTH, _LOAD_HALF, _LOAD_BYTE = 0x80, 0x28, 0x30
_EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x15, 0x35, 0x45, 0x06
_IPV4, _IPV6, _UDP = 0x0800, 0x86DD, 17
DHCP, DHCP6, MDNS = (67, 68), (546, 547), (5353,)


class _Step(NamedTuple):
    code: int
    k: int
    yes: str = ""
    """Label to go to; empty = the next step."""
    no: str = ""
    label: str = ""


def all_of(snaplen: int) -> bytes:
    """Take every frame, at most ``snaplen`` bytes of it; 0 takes none."""
    return _pack(_RETURN, 0, 0, snaplen)


def headers_and_names(snaplen: int, names: int) -> bytes:
    """Take ``snaplen`` bytes of every frame, and ``names`` bytes of what tells names.

    That is DHCP and mDNS over IPv4 without options, DHCPv6 and mDNS over IPv6 without extension
    headers: no device needs others to send these.
    """
    steps = [
        _Step(_LOAD_LENGTH, 0),
        _Step(_AT_LEAST, 42, no="short"),
        _Step(_LOAD_HALF, 12),
        _Step(_EQUAL, _IPV6, yes="ipv6"),
        _Step(_EQUAL, _IPV4, no="short"),
        _Step(_LOAD_BYTE, 14),
        _Step(_EQUAL, 0x45, no="short"),
        _Step(_LOAD_BYTE, 23),
        _Step(_EQUAL, _UDP, no="short"),
        _Step(_LOAD_HALF, 20),
        _Step(_ANY_BIT, 0x1FFF, yes="short"),
        *_ports(34, (*DHCP, *MDNS)),
        _Step(_LOAD_LENGTH, 0, label="ipv6"),
        _Step(_AT_LEAST, 62, no="short"),
        _Step(_LOAD_BYTE, 20),
        _Step(_EQUAL, _UDP, no="short"),
        *_ports(54, (*DHCP6, *MDNS)),
        _Step(_RETURN, snaplen, label="short"),
        _Step(_RETURN, names, label="long"),
    ]
    return b"".join(_assembled(steps))


def _ports(at: int, ports: tuple[int, ...]) -> list[_Step]:
    """Go to ``long`` if source or destination port is one of these, else to ``short``."""
    steps = []
    for place in (at, at + 2):
        steps.append(_Step(_LOAD_HALF, place))
        steps += [_Step(_EQUAL, port, yes="long") for port in ports]
    steps[-1] = steps[-1]._replace(no="short")
    return steps


def _assembled(steps: list[_Step]) -> list[bytes]:
    places = {step.label: i for i, step in enumerate(steps) if step.label}

    def distance(label: str, here: int) -> int:
        return places[label] - here - 1 if label else 0

    return [_pack(s.code, distance(s.yes, i), distance(s.no, i), s.k) for i, s in enumerate(steps)]
