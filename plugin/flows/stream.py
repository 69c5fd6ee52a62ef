"""Parts of flows as they end, from packets as they come, in bounded memory.

The same parts as :mod:`.table` and :mod:`.cut` make of a whole capture (``last="keep"``), whatever
the packets come in: each is given out once no packet can follow that belongs to it. What is told
apart from that is what memory or a disordered input ended, and why.

Time is that of the packets. It stands ``slack`` behind the latest one, for captures hold packets a
little out of order: the *horizon*. A part is over when the horizon is farther than the interval (or
the time-out) behind it.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.core import BACKSTEP_SECONDS
from plugin.core.layout import PACKET
from plugin.errors import ModelError
from plugin.flows.cut import nanoseconds
from plugin.flows.records import KEY, TCP, TUPLE_BYTES, Flows, no_flows
from plugin.flows.stream_flow import PACKED, OpenFlow
from plugin.flows.table import FlowTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from plugin.flows.spec import Spec
    from plugin.records import Rows

PAUSE, EVICTED, FULL, BACKSTEP, END = range(5)
"""Why a part is given out: nothing can follow; no room for so many flows or packets; it has too
many packets; time went back; all is over."""
WHY = ("pause", "evicted", "full", "backstep", "end")
SLACK = 1.0
"""Seconds that packets may be out of order."""
FLOWS_MAX, PACKETS_MAX, FLOW_PACKETS_MAX = 100_000, 4_000_000, 100_000
_BACKSTEP = BACKSTEP_SECONDS * 1_000_000_000
_PACKET = PACKET.dtype()
_STALE, _EARLIEST = 1000, -(1 << 63)


class Limits(NamedTuple):
    """What is held at most; beyond it the flows that were silent longest are given out early."""

    flows: int = FLOWS_MAX
    """Flows at once."""
    packets: int = PACKETS_MAX
    """Packets of all flows, 14 bytes each, besides those of one call."""
    flow_packets: int = FLOW_PACKETS_MAX
    """Packets of one part: a longer one is given out in pieces of so many."""


class Counts(NamedTuple):
    """What was done since the start."""

    packets: int
    """That belong to flows."""
    parts: int
    """Given out."""
    evicted: int
    """Flows ended for want of room."""
    full: int
    """Pieces of parts that are too long."""
    late: int
    """Packets that came too late, and were left out."""
    backsteps: int
    """Times at which time went back by more than a minute, and all flows were ended."""


class Ended(NamedTuple):
    """Parts of flows that are over."""

    flows: Flows
    why: NDArray[np.uint8]
    """(n,) ``PAUSE`` to ``END``."""

    def __len__(self) -> int:
        """How many parts."""
        return len(self.why)


class Stream:
    """Cuts flows as a model's ``Spec`` says, while packets come."""

    def __init__(
        self,
        spec: Spec,
        *,
        slack: float = SLACK,
        limits: Limits = Limits(),  # noqa: B008 - immutable
    ) -> None:
        """Start empty.

        Args:
            spec: how flows are cut.
            slack: seconds that packets may be out of order.
            limits: what is held at most.

        Raises:
            ModelError: the last part of each flow is to be dropped, and no stream has a last one.
        """
        if spec.last != "keep":
            raise ModelError(
                "the model leaves out the last part of each flow, and in a stream none is the last",
                advice="learn it with --last keep",
            )
        self._limit = nanoseconds(spec.interval)
        self._idle = {True: nanoseconds(spec.timeouts[0]), False: nanoseconds(spec.timeouts[1])}
        self._least, self._slack = spec.min_packets, nanoseconds(slack)
        self._limits = limits
        self._open: dict[bytes, OpenFlow] = {}
        self._due: list[tuple[int, bytes]] = []
        self._clock: int | None = None
        self._held = 0
        self._done: list[tuple[bytes, bytes, int]] = []
        self._packets = self._parts = self._evicted = self._full = 0
        self._late = self._backsteps = 0

    def __len__(self) -> int:
        """Flows that are open."""
        return len(self._open)

    @property
    def held(self) -> int:
        """Packets that are held."""
        return self._held

    def counts(self) -> Counts:
        """What was done so far."""
        return Counts(
            self._packets, self._parts, self._evicted, self._full, self._late, self._backsteps
        )

    def feed(self, packets: Buffer) -> Ended:
        """Take whole ``PACKET`` records, in order of arrival; nothing of the buffer is kept.

        Returns:
            The parts that are over by it, those that ended first before others.

        Raises:
            ValueError: they are not whole.
        """
        for rows in self._in_time(np.frombuffer(memoryview(packets), _PACKET)):
            self._gather(rows)
            self._harvest()
        return self._given()

    def advance(self, now: int) -> Ended:
        """Let time go on without a packet, where that is known to be so.

        Args:
            now: ns since 1970; an earlier time than that of packets changes nothing.
        """
        if self._clock is not None and now > self._clock:
            self._clock = now
            self._harvest()
        return self._given()

    def finish(self) -> Ended:
        """End all flows; a stream can go on afterwards, with others."""
        self._end_all(END)
        return self._given()

    def _in_time(self, rows: Rows) -> Iterator[Rows]:
        """The packets that are not late; where time goes back, all flows end before the next."""
        while len(rows):
            time = rows["time"].astype(np.int64)
            before = int(time[0]) if self._clock is None else self._clock
            latest = np.maximum.accumulate(np.concatenate([[before], time]))
            # Hostile times lie so far apart that only unsigned numbers hold the difference.
            behind = (latest[1:] - time).view(np.uint64)
            back = behind > np.uint64(self._slack + _BACKSTEP)
            end = int(back.argmax()) if back.any() else len(rows)
            late = behind[:end] > np.uint64(self._slack)
            if end:
                self._clock = int(latest[end])
            if late.any():
                self._late += int(late.sum())
                yield rows[:end][~late]
            elif end:
                yield rows[:end]
            rows = rows[end:]
            if len(rows):
                self._backsteps += 1
                self._end_all(BACKSTEP)
                self._clock = None

    def _gather(self, rows: Rows) -> None:
        """Packets to their flows; those that were heard of last stand last."""
        table = FlowTable()
        table.feed(rows.tobytes())
        found = table.gathered()
        block = np.empty(found.packets, PACKED)
        for column in ("time", "size", "ttl", "flags"):
            block[column] = getattr(found, column)
        content, size = block.tobytes(), PACKED.itemsize
        keys, starts = found.keys.tobytes(), (found.starts * size).tolist()
        firsts = found.time[found.starts[:-1]].tolist()
        protos = found.keys["proto"].tolist()
        for k, first in enumerate(firsts):
            key = keys[k * KEY.itemsize : (k + 1) * KEY.itemsize]
            name = key[:TUPLE_BYTES]
            flow = self._open.pop(name, None)
            if flow is None:
                flow = OpenFlow(key, self._limit, self._idle[protos[k] == TCP])
            if flow.rests:
                self._plan(name, flow, first)
            self._open[name] = flow
            flow.waiting += content[starts[k] : starts[k + 1]]
            if flow.size > self._limits.flow_packets:
                self._commit(flow, self._horizon())
        self._packets += found.packets
        self._held += found.packets

    def _harvest(self) -> None:
        """Give out what is over by the horizon, then what there is no room for."""
        horizon = self._horizon()
        while self._due and self._due[0][0] < horizon:
            due, name = heapq.heappop(self._due)
            flow = self._open.get(name)
            if flow is None or flow.due != due:
                continue  # it was ended early, or looks are planned for another time
            self._commit(flow, horizon)
            if flow.over(horizon):
                self._give(flow, PAUSE)
            if flow.gone(horizon):
                del self._open[name]
            else:
                self._plan(name, flow, flow.next_due())
        self._make_room()

    def _plan(self, name: bytes, flow: OpenFlow, due: int) -> None:
        flow.due = due
        heapq.heappush(self._due, (due, name))

    def _horizon(self) -> int:
        """ns; no packet before it comes any more."""
        return max((self._clock or 0) - self._slack, _EARLIEST)

    def _make_room(self) -> None:
        """End the flows that were silent longest, where there are too many, or too many packets."""
        limits = self._limits
        while len(self._open) > limits.flows or self._held > limits.packets:
            flow = self._open.pop(next(iter(self._open)))
            self._evicted += 1
            self._end(flow, EVICTED)
        if len(self._due) > 2 * len(self._open) + _STALE:  # those of flows that were ended early
            self._due = [(flow.due, name) for name, flow in self._open.items()]
            heapq.heapify(self._due)

    def _end_all(self, why: int) -> None:
        for flow in self._open.values():
            self._end(flow, why)
        self._open.clear()
        self._due.clear()

    def _end(self, flow: OpenFlow, why: int) -> None:
        self._commit(flow, None)
        self._give(flow, why)

    def _commit(self, flow: OpenFlow, horizon: int | None) -> None:
        """Take what waits of a flow up to the horizon (None: all), and give out what that ends."""
        for _ in flow.commit(horizon):
            self._give(flow, PAUSE)
        while len(flow.part) > self._limits.flow_packets * PACKED.itemsize:
            self._give_piece(flow)

    def _give(self, flow: OpenFlow, why: int) -> None:
        """Give out a flow's part."""
        while len(flow.part) > self._limits.flow_packets * PACKED.itemsize:
            self._give_piece(flow)
        self._give_bytes(flow, bytes(flow.part), why)
        flow.part.clear()

    def _give_piece(self, flow: OpenFlow) -> None:
        size = self._limits.flow_packets * PACKED.itemsize
        self._full += 1
        self._give_bytes(flow, bytes(flow.part[:size]), FULL)
        del flow.part[:size]

    def _give_bytes(self, flow: OpenFlow, packets: bytes, why: int) -> None:
        number = len(packets) // PACKED.itemsize
        self._held -= number
        if number >= self._least:
            self._parts += 1
            self._done.append((flow.key, packets, why))

    def _given(self) -> Ended:
        done, self._done = self._done, []
        if not done:
            return Ended(no_flows(), np.zeros(0, np.uint8))
        keys, packets, why = zip(*done, strict=True)
        counts = np.array([len(each) for each in packets], np.int64) // PACKED.itemsize
        block = np.frombuffer(b"".join(packets), PACKED)
        time, size, ttl, flags = (block[n].copy() for n in ("time", "size", "ttl", "flags"))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        flows = Flows(np.frombuffer(b"".join(keys), KEY), starts, time, size, ttl, flags)
        return Ended(flows, np.array(why, np.uint8))
