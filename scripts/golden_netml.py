"""Write tests/golden/netml*.npz: what netml itself makes of two captures.

Usage: HALIA_NETML=PYTHON python scripts/golden_netml.py   (a Python that has netml 0.7.1)

``netml.npz`` is of ``tests/data/netml/small.pcap.xz``, which is made here of netml's own demo
capture (tests/data/captures): its first packets without what they carried, so that scapy finds
nothing to write anew; near 1970, so that netml's times, which are floating-point seconds, hold
nanoseconds; with odd nanoseconds, so that no time falls on the edge of a window; with a pause of
700 s, so that flows end by their time-out; and a few packets out of order. Ours must be equal,
without exception.

``netml-demo.npz`` is of the demo capture as it is. What differs there and why stands in the test.
Transforms are kept of every fourth flow only: they do not pack.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import random
import struct
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "tests" / "data" / "captures" / "netml_demo.pcap"
SMALL = ROOT / "tests" / "data" / "netml" / "small.pcap.xz"
GOLDEN = ROOT / "tests" / "golden"
CHILD = ROOT / "bench" / "netml_flows.py"
FEATURES = ("IAT", "SIZE", "IAT_SIZE", "STATS", "SAMP_NUM", "SAMP_SIZE")
ALL = tuple(f"{f}-{fft}-{header}" for f, fft, header in product(FEATURES, (0, 1), (0, 1)))
PLAIN = (*(f"{f}-0-0" for f in FEATURES if f != "IAT_SIZE"), "IAT-0-1")
PACKETS = 2_500
PAUSE_AFTER, PAUSE = 1_700, 700
SECOND = 1_000_000_000
EVERY = 4


class Frame(NamedTuple):
    """A frame: ns since 1970, and its bytes."""

    time: int
    data: bytes


def frames(content: bytes) -> Iterator[Frame]:
    """The enhanced packet blocks of a little-endian pcapng file with times in microseconds."""
    at = 0
    while at + 12 <= len(content):
        kind, length = struct.unpack_from("<II", content, at)
        if kind == 6:  # noqa: PLR2004 - enhanced packet block
            _, high, low, captured, _ = struct.unpack_from("<5I", content, at + 8)
            yield Frame(((high << 32) | low) * 1000, content[at + 28 : at + 28 + captured])
        at += length


def emptied(frame: bytes) -> bytes:
    """A frame with zeros for what TCP or UDP carries in it, if it is one of theirs over IPv4."""
    if frame[12:14] != b"\x08\x00" or frame[23] not in {6, 17}:
        return frame
    head = 14 + (frame[14] & 15) * 4
    end = head + (8 if frame[23] == 17 else (frame[head + 12] >> 4) * 4)  # noqa: PLR2004 - UDP
    return frame[:end] + bytes(len(frame) - end)


def small() -> bytes:
    """The small capture, a classic pcap with nanoseconds."""
    chance = random.Random(710)  # noqa: S311 - reproducible, not secret
    taken = [f for _, f in zip(range(PACKETS), frames(DEMO.read_bytes()), strict=False)]
    origin = min(frame.time for frame in taken) - SECOND
    moved = []
    for number, frame in enumerate(taken):
        pause = PAUSE * SECOND if number >= PAUSE_AFTER else 0
        time = frame.time - origin + pause + chance.randrange(1000)
        moved.append(Frame(time, emptied(frame.data)))
    for _ in range(40):
        at = chance.randrange(PACKETS - 5)
        moved[at], moved[at + 4] = moved[at + 4], moved[at]
    out = io.BytesIO()
    out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1))
    for time, data in moved:
        out.write(struct.pack("<4I", *divmod(time, SECOND), len(data), len(data)) + data)
    return out.getvalue()


def asked(capture: Path, made: Path, names: tuple[str, ...]) -> str:
    """Have netml make the tables; its version."""
    python = os.environ.get("HALIA_NETML")
    if not python:
        raise SystemExit("HALIA_NETML names no Python with netml")
    done = subprocess.run(
        [python, "-I", str(CHILD), str(capture), str(made), *names],
        capture_output=True,
        text=True,
        check=True,
    )
    versions = json.loads(done.stdout.splitlines()[-1])["versions"]
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def main() -> None:
    """Make the capture, ask netml, and write what it says."""
    SMALL.parent.mkdir(parents=True, exist_ok=True)
    content = small()
    SMALL.write_bytes(lzma.compress(content, preset=9))
    with tempfile.TemporaryDirectory() as folder:
        capture, made = Path(folder) / "small.pcap", Path(folder) / "made.npz"
        capture.write_bytes(content)
        for source, name, tables in ((capture, "netml", ALL), (DEMO, "netml-demo", PLAIN)):
            versions = asked(source, made, tables)
            with np.load(made) as found:
                kept = {
                    key: found[key][::EVERY] if key.split("-")[1:2] == ["1"] else found[key]
                    for key in found.files
                }
            note = np.array(f"scripts/golden_netml.py; {versions}")
            np.savez_compressed(GOLDEN / f"{name}.npz", **kept, made_by=note)
            size = (GOLDEN / f"{name}.npz").stat().st_size
            sys.stdout.write(f"{name}.npz: {len(tables)} tables, {size:,} bytes, {versions}\n")


if __name__ == "__main__":
    main()
