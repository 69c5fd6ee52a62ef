"""Flows written down, for tests of labels: who sent to whom, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.addresses import address_bytes
from plugin.flows.records import KEY, Flows

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 10**9


class Sent(NamedTuple):
    """A flow: its ends as ``address:port``, the seconds of its packets."""

    src: str
    dst: str
    seconds: Sequence[float] = (100, 101)
    proto: int = 6


def ends(src: str, dst: str) -> tuple[bytes, int, bytes, int]:
    """What ``address:port`` twice is in bytes and numbers."""
    (one, port), (other, to) = src.rsplit(":", 1), dst.rsplit(":", 1)
    return address_bytes(one), int(port), address_bytes(other), int(to)


def flows(*sent: Sent) -> Flows:
    """The flows written down."""
    keys = np.zeros(len(sent), KEY)
    for number, one in enumerate(sent):
        src, src_port, dst, dst_port = ends(one.src, one.dst)
        row = (tuple(src), tuple(dst), src_port, dst_port, one.proto, number, -1)
        keys[number] = row
    counts = [len(one.seconds) for one in sent]
    times = [round(t * SECOND) for one in sent for t in one.seconds]
    return Flows(
        keys,
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
        np.array(times, np.int64),
        np.full(len(times), 60, np.uint32),
        np.full(len(times), 64, np.uint8),
        np.zeros(len(times), np.uint8),
    )
