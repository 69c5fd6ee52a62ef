"""Flows made by hand, and records of packets of any kind: what the tests of flows feed them."""

from __future__ import annotations

from typing import Any

import numpy as np

from plugin.core.layout import PACKET
from plugin.flows.records import KEY, TCP, TUPLE_BYTES, UDP, Flows

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FIELDS = ("time", "size", "ttl", "flags")


def flows(*packets: list[tuple[float, ...]], proto: int = TCP) -> Flows:
    """Flows of packets that are (seconds, bytes, TTL, TCP flags), the last two 64 and 16."""
    keys = np.zeros(len(packets), KEY)
    keys["src_port"], keys["proto"] = np.arange(len(packets)) + 1000, proto
    whole = [(*p, *(64, 16)[len(p) - 2 :]) for flow in packets for p in flow]
    columns: Any = zip(*whole, strict=True) if whole else ([], [], [], [])
    time, size, ttl, flags = columns
    return Flows(
        keys,
        np.concatenate([[0], np.cumsum([len(p) for p in packets])]).astype(np.int64),
        np.array([START + round(t * SECOND) for t in time], np.int64),
        np.array(size, np.uint32),
        np.array(ttl, np.uint8),
        np.array(flags, np.uint8),
    )


def timed(*times: float) -> list[tuple[float, ...]]:
    """Packets of 100 bytes at these seconds."""
    return [(t, 100) for t in times]


def seconds(found: Flows) -> list[list[float]]:
    """Each flow's times, in seconds after START."""
    since = ((found.time - START) / SECOND).tolist()
    return [since[a:b] for a, b in zip(found.starts, found.starts[1:], strict=False)]


def records(seed: int, number: int) -> np.ndarray:
    """``PACKET`` records of few flows, out of order here and there; some are mostly nonsense."""
    chance = np.random.default_rng(seed)
    rows = np.zeros(number, PACKET.dtype())
    if chance.random() < 0.3:
        rows = np.frombuffer(chance.bytes(rows.nbytes), PACKET.dtype()).copy()
    rows["time"] = START + np.cumsum(chance.integers(0, 300, number)) * 10_000_000
    rows["time"] += chance.integers(0, 2, number) * chance.integers(-3 * SECOND, SECOND, number)
    rows["proto"] = chance.choice([TCP, TCP, UDP, 1], number)
    rows["src_port"], rows["dst_port"] = chance.integers(0, 3, (2, number))
    for name in ("src_ip", "dst_ip"):
        rows[name][:, 1:] = 0
        rows[name][:, 0] = chance.integers(0, 2, number)
    rows["wire_len"] = chance.choice([60, 60, 1514, 65_550, 700], number)
    rows["tcp_flags"], rows["ttl"] = chance.integers(0, 256, (2, number))
    rows["marks"] = chance.choice([0, 0, 0, 1, 2, 8, 16, 64], number)
    return rows


def same(one: Flows, other: Flows) -> bool:
    """Whether all columns are equal."""
    pairs: Any = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def parts_of(found: Flows) -> list[tuple[bytes, ...]]:
    """Each flow as its 5-tuple and its columns' bytes, to be compared in any order."""
    return [
        (
            found.keys[k].tobytes()[:TUPLE_BYTES],
            *(
                getattr(found, name)[found.starts[k] : found.starts[k + 1]].tobytes()
                for name in FIELDS
            ),
        )
        for k in range(len(found))
    ]
