"""Differences between tshark's view of a capture and the core's, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from bench.agree.decoded import decode
from bench.agree.dissect import Dissected, dissect
from bench.agree.reasons import LARGE_RECORD, REASONS, RECORD_MAX, Difference
from bench.rule import SessionRule, found_in, frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.agree.dissect import Value

CLASSIC = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")


class Unexplained(NamedTuple):
    """One field of one packet on which the two differ for no known reason."""

    path: str
    frame: int
    field: str
    theirs: str
    ours: str
    layers: str


@dataclass(slots=True)
class Tally:
    """What was compared and what came out."""

    files: int = 0
    packets: int = 0
    fields: int = 0
    sessions_checked: int = 0
    explained: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    unexplained: list[Unexplained] = field(default_factory=list)

    def explain(self, name: str, where: str) -> None:
        """Count one difference that has a reason."""
        self.explained[name] = self.explained.get(name, 0) + 1
        self.examples.setdefault(name, where)


def session_numbers(path: Path) -> Iterator[int | None]:
    """The session of each packet by the dpkt loop, for classic captures (others: none)."""
    with path.open("rb") as octets:
        if octets.read(4) not in CLASSIC:
            return
    rule = SessionRule()
    for time, linktype, frame in frames(path):
        yield rule.packet(time, found_in(linktype, frame))


def shown(value: Value | None) -> str:
    """A value as text: bytes in hexadecimal."""
    return value.hex() if isinstance(value, bytes) else str(value)


def compare_packet(tally: Tally, path: Path, theirs: Dissected, ours: Mapping[str, Value]) -> None:
    """Compare every field that tshark's view has a value for."""
    tally.packets += 1
    tally.fields += len(theirs.expected)
    expected = theirs.expected
    wrong = [name for name, value in expected.items() if ours[name] != value]
    for name in wrong:
        difference = Difference(name, expected[name], ours[name], theirs, ours)
        reason = next((r.name for r in REASONS if r.holds(difference)), None)
        if reason is not None:
            tally.explain(reason, f"{path.name} frame {theirs.number}")
            continue
        row = Unexplained(
            str(path),
            theirs.number,
            name,
            shown(expected[name]),
            shown(ours[name]),
            ":".join(theirs.layers),
        )
        tally.unexplained.append(row)


def compare_capture(tally: Tally, path: Path) -> None:
    """Compare every packet of a capture; a packet that only one side has is a difference.

    Args:
        tally: where to count.
        path: the capture.
    """
    tally.files += 1
    number = 0
    their_rows = (row for row in dissect(path) if not row.is_no_packet)
    numbers = session_numbers(path)
    for theirs, ours in zip_longest(their_rows, decode(path)):
        number += 1
        session = next(numbers, None)
        if ours is None and theirs is not None and theirs.wire > RECORD_MAX:
            tally.explain(LARGE_RECORD.name, f"{path.name} frame {theirs.number}")
            continue
        if theirs is None or ours is None:
            has = "only tshark" if ours is None else "only the core"
            tally.unexplained.append(Unexplained(str(path), number, "packet", has, "", ""))
            continue
        compare_packet(tally, path, theirs, ours)
        if session is not None:
            tally.sessions_checked += 1
            if ours["session"] != session:
                layers = ":".join(theirs.layers)
                row = Unexplained(
                    str(path), number, "session", f"rule: {session}", str(ours["session"]), layers
                )
                tally.unexplained.append(row)
