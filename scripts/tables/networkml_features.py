"""What NetworkML 0.6.19 tells its net of a device, computed from our packet records: 221 numbers.

The definitions are those of its ``host`` featurizer with one row a device (``srcmacid``), after
its ``host_footprint`` has dropped the port ratios; the code is ours. Its own programme refuses half
of such small captures, which this does not. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.core.layout import MARK_LATER_FRAGMENT, MARK_TRUNCATED
from plugin.ml.features.addresses import groups, local
from plugin.ml.matrix import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECOND = 1_000_000_000
TCP, UDP = 6, 17
PRIVILEGED = (22, 23, 25, 53, 67, 68, 69, 80, 88, 110, 123, 137, 138, 139, 143, 161, 443, 631)
OTHERS = (1900, 2375, 2376, 5222, 5349, 5353, 5354, 5357, 6653)
ARP, IPV4, IPV6, IPX = 0x0806, 0x0800, 0x86DD, 0x8137
ETHERTYPES = (ARP, IPV4, IPV6)
N_COLUMNS = 221
LAST_PRIVILEGED = 1023
FOUR, SIX = 4, 6
FLAG_BITS = 9


def row(packets: NDArray[np.void], mac_id: int) -> NDArray[np.float64]:
    """(221,) of one device.

    Args:
        packets: (n,) records of ``PACKET.dtype()`` of the whole capture, in file order.
        mac_id: the device.
    """
    gaps = np.diff(packets["time"], prepend=packets["time"][:1]) / SECOND
    sent = packets["src_mac"] == mac_id
    mine = sent | (packets["dst_mac"] == mac_id)
    found: list[float] = []
    for side in (sent, mine & ~sent):
        part = packets[side]
        found += _numbers(part["wire_len"].astype(np.float64))
        found += _numbers(gaps[side])
        found += _bits(part["tos"][part["ip_version"] > 0], 8)
        found += _bits(part["frag"][part["ip_version"] == FOUR] >> 13, FLAG_BITS)
        found += _bits(part["tcp_flags"][_of(part, TCP)].astype(np.int64), FLAG_BITS)
        found += [flag for proto in (TCP, UDP) for flag in _ports(part, proto)]
    whole = packets[mine]
    version, ethertype = whole["ip_version"], whole["ethertype"]
    is_ip = version > 0
    found += [(version == FOUR).any(), (version == SIX).any(), (ethertype == IPX).any()]
    found.append(float((~np.isin(ethertype, ETHERTYPES)).any()))
    found.append((is_ip & local(whole["src_ip"]) & local(whole["dst_ip"])).any())
    found.append(((version == FOUR) & groups(whole["dst_ip"])).any())
    found += [(is_ip & (whole["proto"] == number)).any() for number in (TCP, UDP, 1)]
    found.append((ethertype == ARP).any())
    found += [(is_ip & (whole["proto"] == number)).any() for number in (58, 47, 50, 51)]
    found.append((whole["vlan"] >= 0).any())
    own = packets[sent & (packets["ip_version"] > 0)]
    found += [_different(own["src_ip"]), _different(own["dst_ip"])]
    return np.array(found, np.float64)


def _of(part: NDArray[np.void], proto: int) -> NDArray[np.bool_]:
    whole = (part["marks"] & (MARK_LATER_FRAGMENT | MARK_TRUNCATED)) == 0
    member: NDArray[np.bool_] = (part["ip_version"] > 0) & (part["proto"] == proto) & whole
    return member


def _numbers(values: NDArray[np.float64]) -> list[float]:
    """Most, least, count, sum, mean, median, variance (over n - 1), two quartiles; else 0."""
    n = len(values)
    if not n:
        return [0.0] * 9
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    variance = float(values.var(ddof=1)) if n > 1 else 0.0
    return [
        float(values.max()),
        float(values.min()),
        n,
        float(values.sum()),
        float(values.mean()),
        middle,
        variance,
        low,
        high,
    ]


def _bits(values: NDArray[np.integer], n_bits: int) -> list[float]:
    """Whether any value has each of the bits."""
    return [float(((values >> bit) & 1).any()) for bit in range(n_bits)]


def _ports(part: NDArray[np.void], proto: int) -> list[float]:
    """Whether each known port is the lower one of any IPv4 packet; then whether any other is."""
    chosen = part[_of(part, proto) & (part["ip_version"] == FOUR)]
    lower = set(np.minimum(chosen["src_port"], chosen["dst_port"]).tolist())
    found = []
    for known, there in (
        (PRIVILEGED, {port for port in lower if port <= LAST_PRIVILEGED}),
        (OTHERS, {port for port in lower if port > LAST_PRIVILEGED}),
    ):
        found += [float(port in there) for port in known]
        found.append(float(bool(lower) and not there <= set(known)))
    return found


def _different(addresses: NDArray[np.uint8]) -> int:
    whole = np.ascontiguousarray(addresses).view("V16")[:, 0]
    return len(distinct(whole).first)
