"""Builds arrays as the core writes them, for tests of what comes after the core."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.core.layout import MAC, PACKET, SESSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
SECOND = 1_000_000_000


def address(text: str) -> NDArray[np.uint8]:
    """16 bytes; IPv4 as ::ffff:a.b.c.d."""
    ip = ipaddress.ip_address(text)
    packed = ip.packed if ip.version == 6 else bytes(10) + b"\xff\xff" + ip.packed
    return np.frombuffer(packed, np.uint8)


def addresses(*texts: str) -> NDArray[np.uint8]:
    return np.stack([address(text) for text in texts])


def session(
    orig: str = "192.168.1.2:50000",
    resp: str = "192.168.1.1:80",
    **fields: Any,
) -> NDArray[np.void]:
    """One session record: TCP, 3 packets each way, unless fields say otherwise."""
    record = np.zeros(1, SESSION.dtype())
    for side, end in (("orig", orig), ("resp", resp)):
        ip, _, port = end.rpartition(":")
        record[f"{side}_ip"] = address(ip)
        record[f"{side}_port"] = int(port)
        record[f"{side}_packets"] = 3
        record[f"{side}_tcp_flags"] = SYN | ACK
    version = 6 if orig.count(":") > 1 else 4
    defaults = {"proto": 6, "ip_version": version, "orig_mac": 0, "resp_mac": 1, "vlan": -1}
    for name, value in (defaults | fields).items():
        record[name] = value
    return record


def sessions(*records: NDArray[np.void]) -> NDArray[np.void]:
    """Several records, numbered."""
    whole = np.concatenate(records) if records else np.zeros(0, SESSION.dtype())
    whole["id"] = np.arange(len(whole))
    return whole


def packet(src: str, dst: str, **fields: Any) -> NDArray[np.void]:
    """One packet record: TCP over untagged IPv4; ``time`` in seconds."""
    record = np.zeros(1, PACKET.dtype())
    for side, end in (("src", src), ("dst", dst)):
        ip, _, port = end.rpartition(":")
        record[f"{side}_ip"] = address(ip)
        record[f"{side}_port"] = int(port)
    version = 6 if src.count(":") > 1 else 4
    defaults = {"proto": 6, "ip_version": version, "src_mac": 0, "dst_mac": 1, "vlan": -1}
    for name, value in (defaults | fields).items():
        record[name] = int(value * SECOND) if name == "time" else value
    return record


def capture_of(*packets: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Packets and their sessions, one for each unordered {IP:port, IP:port} and protocol."""
    whole = np.concatenate(packets)
    keys: dict[object, int] = {}
    records = []
    for number, one in enumerate(whole):
        ends = frozenset(
            (one[f"{side}_ip"].tobytes(), int(one[f"{side}_port"])) for side in ("src", "dst")
        )
        key = (ends, int(one["proto"]))
        if key not in keys:
            keys[key] = len(keys)
            record = np.zeros(1, SESSION.dtype())
            record["id"] = keys[key]
            for ours, theirs in (("orig", "src"), ("resp", "dst")):
                for field in ("ip", "port", "mac"):
                    record[f"{ours}_{field}"] = one[f"{theirs}_{field}"]
            record["proto"] = one["proto"]
            record["start"] = one["time"]
            records.append(record)
        whole["session"][number] = keys[key]
    return whole, np.concatenate(records)


def macs(*texts: str, **fields: Any) -> NDArray[np.void]:
    """A MAC table; every address has sent 10 frames unless fields say otherwise."""
    table = np.zeros(len(texts), MAC.dtype())
    for number, text in enumerate(texts):
        table["mac"][number] = np.frombuffer(bytes.fromhex(text.replace(":", "")), np.uint8)
    for name, value in ({"tx_packets": 10, "rx_packets": 10} | fields).items():
        table[name] = value
    return table
