"""What happens in sessions while they are open: the core's packet records become events.

Computes on arrays, a chunk at a time, on whichever core; memory is bounded by the sessions that
nobody has answered yet. Broadcasts and multicasts open no session here: nobody need answer them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from plugin.addresses import is_private
from plugin.core.layout import MARK_LATER_FRAGMENT, RESP
from plugin.sessions.afterwards import arp_events, counted, use_events
from plugin.sessions.watch import ACK, SYN, TCP, TO_MANY, Watching
from plugin.traffic import Answered, Closed, Event, Opened, Passed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugin.records import Rows

_RST = 4
OPEN_MAX = 100_000
"""Opened sessions that are remembered; the oldest are forgotten first.

Twice what waits for an answer (``attempts.waiting``); each takes about 450 bytes.
"""


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
        """Sessions whose first answer was none."""
        self._hearing: set[tuple[str, bool]] = set()
        """Devices whose answers were seen, from inside (or outside)."""
        self._watching = Watching()

    def packets(self, rows: Rows) -> list[Event]:
        """Take packet records; the events are in order of time.

        Args:
            rows: ``PACKET`` rows, all that the core wrote since the last call.
        """
        usable = rows[(rows["marks"] & MARK_LATER_FRAGMENT) == 0]
        one = usable[(usable["session"] >= 0) & ((usable["marks"] & TO_MANY) == 0)]
        events: list[Event] = [*self._opened(one), *self._answers(one)]
        seen = self._watching.take(rows)
        events += counted(seen.seconds, self._mac)
        events += arp_events(seen.arp, self._mac)
        events += use_events(seen.uses, self._mac)
        if len(rows):
            self._next = max(self._next, int(rows["session"].max()) + 1)
            events.append(Passed(int(rows["time"].max())))
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
                fresh=row["proto"] != TCP or bool(row["tcp_flags"] & SYN),
            )
            self._open[event.session] = event
            if len(self._open) > self._open_max:
                forgotten, _ = self._open.popitem(last=False)
                self._answered.discard(forgotten)
            yield event

    def _answers(self, rows: Rows) -> Iterator[Answered]:
        acknowledged = (rows["proto"] == TCP) & ((rows["tcp_flags"] & (SYN | ACK)) == ACK)
        rows = rows[(rows["direction"] == RESP) | acknowledged]
        # The first of each session and direction will do.
        ways = rows["session"].astype(np.int64) * 2 + (rows["direction"] == RESP)
        for at in np.sort(np.unique(ways, return_index=True)[1]).tolist():
            row = rows[at]
            opened = self._open.get(int(row["session"]))
            if opened is None:
                continue
            back = row["direction"] == RESP
            if back:
                self._hearing.add((opened.mac, is_private(opened.resp_ip)))
            if (back or self._acknowledges(opened)) and opened.session not in self._answered:
                self._answered.add(opened.session)
                reset = back and row["proto"] == TCP and bool(row["tcp_flags"] & _RST)
                yield Answered(int(row["time"]), opened, reset)

    def _acknowledges(self, opened: Opened) -> bool:
        """Whether an acknowledgement shows an answer that nobody saw.

        Of who was seen to be answered before, answers are seen: what he acknowledges of a new
        conversation he may have made up. But answers from outside may come another way than
        those from inside.
        """
        sides = (False, True) if is_private(opened.resp_ip) else (False,)
        return not opened.fresh or not any((opened.mac, side) in self._hearing for side in sides)
