"""Runs bytes through an engine piece by piece and collects all it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.core import DEFAULT_TIMEOUTS, Engine, Timeouts, new_engine
from plugin.core.layout import FAILED, MAC, MORE, PACKET, SESSION
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.records import Rows


class Result(NamedTuple):
    """Everything that an engine said about an input."""

    packets: bytes
    sessions: bytes
    macs: bytes
    totals: tuple[int, ...]
    links: list[int]
    error: tuple[int, int, int, int, int]
    steps: list[tuple[int, int, int, int]]

    def packet_rows(self) -> Rows:
        return np.frombuffer(self.packets, PACKET.dtype())

    def session_rows(self) -> Rows:
        rows = np.frombuffer(self.sessions, SESSION.dtype())
        return rows[np.argsort(rows["id"])]

    def mac_rows(self) -> Rows:
        return np.frombuffer(self.macs, MAC.dtype())


def make(kind: Callable[..., Engine], *, stats: bool = True, **changed: Any) -> Engine:
    """An engine of one implementation with the default settings, some changed."""
    timeouts = changed.pop("timeouts", DEFAULT_TIMEOUTS)
    assert isinstance(timeouts, Timeouts)
    settings: dict[str, Any] = {
        "backstep": 60 * 10**9,
        "max_open": 1000,
        "max_macs": 1000,
        "seed": bytes(range(48)),
        **changed,
    }
    return kind(timeouts=tuple(round(t * 1e9) for t in timeouts), stats=stats, **settings)


def run(
    engine: Engine,
    data: bytes,
    *,
    cuts: Iterable[int] = (),
    stats: bool | None = True,
    packet_room: int = 64,
    session_room: int = 8,
) -> Result:
    """Feed ``data`` up to each cut and then to its end; the buffers are kept small on purpose.

    ``stats`` None is for an engine that is bare.
    """
    packets = bytearray(packet_room * PACKET.size) if stats or stats is None else None
    sessions = bytearray(session_room * SESSION.size) if stats else None
    frames, rows = bytearray(), bytearray()
    steps: list[tuple[int, int, int, int]] = []
    at, status = 0, MORE
    for end in [*sorted(cuts), len(data)]:
        status = -1
        while status not in {MORE, FAILED}:
            used, n_packets, n_sessions, status = engine.feed(data, at, end, packets, sessions)
            steps.append((used, n_packets, n_sessions, status))
            at += used
            frames += (packets or b"")[: n_packets * PACKET.size]
            rows += (sessions or b"")[: n_sessions * SESSION.size]
        if status == FAILED:
            break
    totals, done = engine.totals(), 0
    while not done:
        n_sessions, done = engine.finish(sessions)
        rows += (sessions or b"")[: n_sessions * SESSION.size]
    return Result(
        bytes(frames), bytes(rows), engine.macs(), totals, engine.links(), engine.error(), steps
    )


def decode(data: bytes, link: int = 1, wire: int = 0) -> np.void:
    """The packet record of one frame, from the core that is in force."""
    frame = f.Frame(f.SECOND, data, wire)
    row: np.void
    (row,) = run(make(type(new_engine())), f.pcap(frame, link=link)).packet_rows()
    return row
