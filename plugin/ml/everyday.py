"""What looks like a misdeed by its ports or rates and is a protocol at its everyday work.

A traceroute asks ports in vain and wants to; FTP moves files over ports that it has agreed upon;
a multicast stream goes to those who joined it. Masks on arrays of sessions; computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml import services
from plugin.ml.features.addresses import is_v4, words
from plugin.ml.grouped import key_of, member

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.records import Rows

    Mask = NDArray[np.bool_]

FTP_PORTS, FTP_DATA_PORT = (21, 990), 20
"""Of control sessions, in plain text and over TLS (RFC 959, RFC 4217 and what was before it); from
which an active server opens its data sessions."""
_UNPRIVILEGED = 1024
_BROADCAST, _EVERY_V4, _EVERY_V6 = 0xFFFFFFFF, 0xE00000, 0xFF02


def at_ports(proto: NDArray[np.integer], port: NDArray[np.integer]) -> NDArray[np.int64]:
    """(n,) the ports that were asked; all of a traceroute's are its first."""
    found = port.astype(np.int64)
    udp = proto == services.UDP
    for first, last in services.TRACED:
        found[udp & (port >= first) & (port <= last)] = first
    return found


def ftp_data(sessions: Rows) -> Mask:
    """(n,) data sessions of FTP: of two hosts between which a control session talks.

    Args:
        sessions: all of a capture.
    """
    proto, port = sessions["proto"], sessions["resp_port"]
    tcp = proto == services.TCP
    control: Mask = tcp & ((port == FTP_PORTS[0]) | (port == FTP_PORTS[1]))
    control &= (sessions["orig_payload_bytes"] > 0) & (sessions["resp_payload_bytes"] > 0)
    if not control.any():
        return control
    there = key_of(sessions["orig_ip"], sessions["resp_ip"])
    back = key_of(sessions["resp_ip"], sessions["orig_ip"])
    passive = member(there, there[control])
    active = (sessions["orig_port"] == FTP_DATA_PORT) & member(back, there[control])
    found: Mask = tcp & (port >= _UNPRIVILEGED) & (passive | active)
    return found


def to_every_host(addresses: NDArray[np.uint8]) -> Mask:
    """(n,) broadcast, and groups that every host of a link gets, whether it joined or not.

    224.0.0.0/24 (RFC 4541, 2.1.2) and ff02::/16. Other groups carry streams to those who want them.
    """
    high, low = words(addresses)
    v4 = (low & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    every4 = (v4 == _BROADCAST) | (v4 >> np.uint32(8) == _EVERY_V4)
    every6 = (high >> np.uint64(48)) == _EVERY_V6
    found: Mask = np.where(is_v4(high, low), every4, every6)
    return found
