from __future__ import annotations

from typing import TYPE_CHECKING

import dpkt

from plugin.lab.rehearsal.tape import SNAP, Tape

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> list[tuple[float, bytes]]:
    with path.open("rb") as stream:
        return [(float(at), frame) for at, frame in dpkt.pcap.Reader(stream)]


def test_frames_are_in_order_and_cut(tmp_path: Path) -> None:
    with Tape(tmp_path / "a", 1000, 60.0) as tape:
        tape.note(2.0, b"b" * 70)
        tape.note(1.0, b"a" * 30, size=90)
        tape.until(1.5)
        assert tape.frames == 1
        tape.note(1.75, b"c")
    assert tape.frames == 3
    found = read(tmp_path / "a")
    assert [at for at, _ in found] == [1001.0, 1001.75, 1002.0]
    assert [len(frame) for _, frame in found] == [30, 1, SNAP]
    sizes = (tmp_path / "a").read_bytes()[24 + 8 : 24 + 16]
    assert (int.from_bytes(sizes[:4], "little"), int.from_bytes(sizes[4:], "little")) == (30, 90)


def test_frames_of_one_time_keep_their_order(tmp_path: Path) -> None:
    with Tape(tmp_path / "a", 0, 60.0) as tape:
        for letter in b"zyx":
            tape.note(1.0, bytes([letter]))
    assert [frame for _, frame in read(tmp_path / "a")] == [b"z", b"y", b"x"]


def test_what_passes_after_the_end_is_left_out(tmp_path: Path) -> None:
    with Tape(tmp_path / "a", 0, 10.0) as tape:
        tape.note(9.0, b"in")
        tape.note(10.0, b"out")
        tape.until(11.0)
    assert [frame for _, frame in read(tmp_path / "a")] == [b"in"]
