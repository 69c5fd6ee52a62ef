"""What happens in sessions while they are open: the core's packet records become events.

Computes on arrays, a chunk at a time, on whichever core; memory is bounded by the sessions that
nobody has answered yet. Broadcasts and multicasts open no session here: nobody need answer them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from plugin.core.layout import (
    MARK_BROADCAST,
    MARK_IP_MULTICAST,
    MARK_LATER_FRAGMENT,
    MARK_MULTICAST,
    ORIG,
    RESP,
)
from plugin.traffic import Answered, Arp, Closed, Counted, Event, Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from plugin.records import Rows

TCP, UDP = 6, 17
_ECHO = {(1, 8), (58, 128)}
_SYN, _RST, _ACK = 2, 4, 16
_TO_MANY = MARK_BROADCAST | MARK_MULTICAST | MARK_IP_MULTICAST
_SECOND = 1_000_000_000
KINDS = ("syn", "udp", "icmp")
OPEN_MAX = 200_000
"""Opened sessions that are remembered; the oldest are forgotten first."""
_KEY = np.dtype([("time", "<i8"), ("mac", "<i4"), ("kind", "u1"), ("ip", "V16")])


class LiveSessions:
    """Makes events of packet and session records, in the order in which the core writes them."""

    def __init__(self, mac: Callable[[int], str], *, open_max: int = OPEN_MAX) -> None:
        """Start with no session open.

        Args:
            mac: The text of a MAC index.
            open_max: Sessions remembered.
        """
        self._mac = mac
        self._open_max = open_max
        self._next = 0
        self._open: OrderedDict[int, Opened] = OrderedDict()
        self._answered: set[int] = set()

    def packets(self, rows: Rows) -> list[Event]:
        """Take packet records; the events are in order of time.

        Args:
            rows: ``PACKET`` rows, all that the core wrote since the last call.
        """
        usable = rows[(rows["marks"] & MARK_LATER_FRAGMENT) == 0]
        one = usable[(usable["session"] >= 0) & ((usable["marks"] & _TO_MANY) == 0)]
        events: list[Event] = [*self._opened(one), *self._answers(one), *_counted(one, self._mac)]
        events += _arp(usable[usable["arp_op"] != 0], self._mac)
        if len(rows):
            self._next = max(self._next, int(rows["session"].max()) + 1)
        events.sort(key=lambda event: event.time)
        return events

    def sessions(self, rows: Rows) -> list[Closed]:
        """Take the records of sessions that ended."""
        columns = ("end", "id", "orig_packets", "resp_packets")
        sizes = ("orig_payload_bytes", "resp_payload_bytes")
        values = zip(*(rows[name].tolist() for name in (*columns, *sizes)), strict=True)
        closed = []
        for time, number, *counts in values:
            self._answered.discard(number)
            closed.append(Closed(time, number, self._open.pop(number, None), *counts))
        return closed

    def _opened(self, rows: Rows) -> Iterator[Opened]:
        number, first = np.unique(rows["session"], return_index=True)
        for row in rows[first[number >= self._next]]:
            back = row["direction"] == RESP
            source, target = ("dst", "src") if back else ("src", "dst")
            mac = int(row[f"{source}_mac"])
            if mac < 0:
                continue
            event = Opened(
                time=int(row["time"]),
                session=int(row["session"]),
                mac=self._mac(mac),
                proto=int(row["proto"]),
                orig_ip=row[f"{source}_ip"].tobytes(),
                resp_ip=row[f"{target}_ip"].tobytes(),
                orig_port=int(row[f"{source}_port"]),
                resp_port=int(row[f"{target}_port"]),
            )
            self._open[event.session] = event
            if len(self._open) > self._open_max:
                forgotten, _ = self._open.popitem(last=False)
                self._answered.discard(forgotten)
            yield event

    def _answers(self, rows: Rows) -> Iterator[Answered]:
        rows = rows[rows["direction"] == RESP]
        number, first = np.unique(rows["session"], return_index=True)
        for session, at in zip(number.tolist(), first.tolist(), strict=True):
            opened = self._open.get(session)
            if opened is not None and session not in self._answered:
                self._answered.add(session)
                row = rows[at]
                reset = row["proto"] == TCP and bool(row["tcp_flags"] & _RST)
                yield Answered(int(row["time"]), opened, reset)


def _kinds(rows: Rows) -> NDArray[np.int64]:
    """(n,) index into KINDS, -1 for other packets."""
    flags = rows["tcp_flags"] & (_SYN | _ACK)
    echo = np.zeros(len(rows), np.bool_)
    for proto, kind in _ECHO:
        echo |= (rows["proto"] == proto) & (rows["icmp_type"] == kind)
    found: NDArray[np.int64] = np.select(
        [(rows["proto"] == TCP) & (flags == _SYN), rows["proto"] == UDP, echo],
        [np.int64(0), np.int64(1), np.int64(2)],
        np.int64(-1),
    )
    return found


def _counted(rows: Rows, mac: Callable[[int], str]) -> Iterator[Counted]:
    kinds = _kinds(rows)
    wanted = (kinds >= 0) & (rows["direction"] == ORIG) & (rows["src_mac"] >= 0)
    rows, kinds = rows[wanted], kinds[wanted]
    if not len(rows):
        return
    keys = np.zeros(len(rows), _KEY)
    keys["time"] = rows["time"] // _SECOND
    keys["mac"] = rows["src_mac"]
    keys["kind"] = kinds
    keys["ip"] = np.ascontiguousarray(rows["dst_ip"]).view("V16").reshape(-1)
    counts: dict[bytes, int] = {}
    for key in keys.view(f"V{_KEY.itemsize}").reshape(-1).tolist():
        counts[key] = counts.get(key, 0) + 1
    for packed, packets in counts.items():
        key = np.frombuffer(packed, _KEY)[0]
        yield Counted(
            time=int(key["time"]) * _SECOND,
            mac=mac(int(key["mac"])),
            resp_ip=key["ip"].tobytes(),
            kind=KINDS[int(key["kind"])],
            packets=packets,
        )


def _arp(rows: Rows, mac: Callable[[int], str]) -> Iterator[Arp]:
    for row in rows[(rows["arp_sha"] >= 0) & (rows["src_mac"] >= 0)]:
        yield Arp(
            time=int(row["time"]),
            mac=mac(int(row["src_mac"])),
            operation=int(row["arp_op"]),
            sender_mac=mac(int(row["arp_sha"])),
            sender_ip=row["src_ip"].tobytes(),
            target_ip=row["dst_ip"].tobytes(),
        )
