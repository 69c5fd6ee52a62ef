"""Bytes through the core: the one place that drives an engine.

Blocks are read, whole records consumed, the rest moved to the front; memory is bounded by the
block, the record buffers and the sessions that are open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.capture.links import link_name
from plugin.capture.source import damaged_errors
from plugin.core import DEFAULT_TIMEOUTS, MAX_OPEN, Timeouts, new_engine
from plugin.core.layout import ERRORS, FAILED, MORE, PACKET, SESSION, TOTALS
from plugin.records import Problem, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from plugin.capture.source import Source

BLOCK = 1 << 20
BLOCK_LIMIT = 32 << 20
"""No record is larger: the core refuses blocks over 16 MiB."""
SESSION_ROWS = 4096
PACKET_ROWS = 16_384
_SMALL = 64 << 10


class Chunk(NamedTuple):
    """Records of a part of the input; the memory is used again for the next one."""

    packets: memoryview
    sessions: memoryview


class Scan:
    """One pass over one or several captures; sessions and MACs go on from one to the next."""

    def __init__(
        self,
        *,
        stats: bool = True,
        packets: bool = False,
        bare: bool = False,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_open: int = MAX_OPEN,
    ) -> None:
        """Start a pass.

        Args:
            stats: Hand out session records (without, sessions are only counted).
            packets: Hand out packet records too (needs ``stats`` or ``bare``).
            bare: Know no sessions, and of packets only whose they are, length, TTL and TCP flags
                (in place of ``stats``).
            timeouts: When a session is over.
            max_open: Open sessions beyond which the oldest are evicted.
        """
        self._engine = new_engine(
            timeouts=timeouts, max_open=max_open, stats=stats and not bare, bare=bare
        )
        self._sessions = bytearray(SESSION_ROWS * SESSION.size) if stats and not bare else None
        self._packets = bytearray(PACKET_ROWS * PACKET.size) if packets else None
        self._links: dict[str, None] = {}
        self._used = False
        self.problem: Problem | None = None

    def read(
        self, source: Source, progress: Callable[[int], None] | None = None
    ) -> Iterator[Chunk]:
        """Take one input; afterwards ``problem`` says why it was not read to its end, if so.

        Args:
            source: The open input.
            progress: Called after each block with the bytes of the file taken so far.
        """
        if self._used:
            self._engine.next_input()
        self._used = True
        size = BLOCK if source.size is None else min(BLOCK, max(_SMALL, source.size))
        block, have, reason = bytearray(size), 0, ""
        while True:
            got, reason = _fill(source, block, have)
            if progress is not None:
                progress(source.position())
            if not got:
                break
            have += got
            used, status = yield from self._consume(block, have)
            if status == FAILED:
                break
            block, have = _keep(block, used, have)
        for number in self._engine.links():
            self._links[link_name(number)] = None
        found = self._problem(source.name, have, reason, status=FAILED if got else MORE)
        if found is not None and source.packed:
            found = found._replace(reason=f"{found.reason} (the byte is counted after unpacking)")
        self.problem = found

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """Take what a live capture's stream brought: whole records, after pcap's header at first.

        Raises:
            ValueError: that is no such stream.
        """
        self._used = True
        at, status = 0, -1
        while status != MORE:
            used, packets, sessions, status = self._engine.feed(
                data, at, len(data), self._packets, self._sessions
            )
            at += used
            if packets or sessions:
                yield self._chunk(packets, sessions)
            if status == FAILED:
                break
        if at != len(data):
            raise ValueError("a stream is made of whole records")

    def finish(self) -> Iterator[Chunk]:
        """Close the sessions that are still open."""
        done = 0
        while not done:
            rows, done = self._engine.finish(self._sessions)
            if rows:
                yield self._chunk(0, rows)

    def macs(self, first: int = 0) -> bytes:
        """The ``MAC`` records so far, from the index ``first`` on."""
        return self._engine.macs(first)

    def totals(self) -> Totals:
        """What was counted so far."""
        t = dict(zip(TOTALS, self._engine.totals(), strict=True))
        seen = t["packets"] > 0
        return Totals(
            packets=t["packets"],
            bytes=t["wire_bytes"],
            captured_bytes=t["captured_bytes"],
            first_ns=t["first"] if seen else None,
            last_ns=t["last"] if seen else None,
            linktypes=tuple(self._links),
            sessions=t["sessions"],
            devices=t["devices"],
            ip_packets=t["ip_packets"],
            cut_packets=t["cut_packets"],
            later_fragments=t["later_fragments"],
            packets_without_time=t["packets_without_time"],
            evicted=t["evicted"],
            macs=t["macs"],
            macs_dropped=t["macs_dropped"],
        )

    def _consume(self, block: bytearray, have: int) -> Generator[Chunk, None, tuple[int, int]]:
        at, status = 0, -1
        while status not in {MORE, FAILED}:
            used, packets, sessions, status = self._engine.feed(
                block, at, have, self._packets, self._sessions
            )
            at += used
            if packets or sessions:
                yield self._chunk(packets, sessions)
        return at, status

    def _chunk(self, packets: int, sessions: int) -> Chunk:
        return Chunk(
            memoryview(self._packets or b"")[: packets * PACKET.size],
            memoryview(self._sessions or b"")[: sessions * SESSION.size],
        )

    def _problem(self, name: str, rest: int, reason: str, *, status: int) -> Problem | None:
        number, offset, value, skip, known = self._engine.error()
        if status == FAILED:
            text = ERRORS[number].format(value=value)
            return Problem(source=name, offset=offset, reason=text, cut_short=False)
        if reason:
            return Problem(source=name, offset=offset + rest, reason=reason, cut_short=True)
        if not rest and not skip:
            return None
        if not known and rest < len(b"\xa1\xb2\xc3\xd4"):
            return Problem(
                source=name, offset=0, reason="not a pcap or pcapng file", cut_short=False
            )
        what = "the file header" if not known else "a record"
        text = f"cut short: the file ends within {what}"
        return Problem(source=name, offset=offset, reason=text, cut_short=True)


def _fill(source: Source, block: bytearray, have: int) -> tuple[int, str]:
    """Read once behind what is there; what a damaged packed stream says comes back as text."""
    try:
        return source.read_into(memoryview(block)[have:]), ""
    except damaged_errors() as error:
        return 0, f"the packed stream is damaged or cut short ({error})"


def _keep(block: bytearray, used: int, have: int) -> tuple[bytearray, int]:
    """Move what was not consumed to the front; give a record larger than the block a larger one."""
    rest = have - used
    if used:
        block[:rest] = block[used:have]
    elif rest == len(block):
        if len(block) >= BLOCK_LIMIT:
            raise AssertionError("the core asks for a record larger than it allows")
        block = block + bytearray(len(block))
    return block, rest
