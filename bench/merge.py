"""One capture out of many real ones: replicas with addresses and times of their own.

Every file starts at a time of its own within fifteen minutes; every further replica also
gets addresses of its own, so that its sessions are its own; packets are interleaved by time
as on a real link. Wire lengths stay; only classic Ethernet captures take part.
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1),
    b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000),
}
ETHERNET = 1
START_US = 1_700_000_000_000_000
WITHIN_US = 900_000_000
LONGEST_US = 7_200_000_000
RECORD_MAX = 262_144


class Record(NamedTuple):
    """One packet record: time (µs), bytes on the wire, captured bytes."""

    time: int
    wire: int
    octets: bytes


class Placed(NamedTuple):
    """A record in the merged file, ordered by time and then by the order of reading."""

    time: int
    order: int
    replica: int
    salt: int
    record: Record


def records(path: Path) -> Iterator[Record]:
    """The packets of a classic Ethernet capture up to a tear; none of anything else."""
    octets = path.read_bytes()
    form = MAGICS.get(octets[:4])
    if form is None or len(octets) < 24:
        return
    order, divisor = form
    if struct.unpack_from(order + "I", octets, 20)[0] & 0xFFFF != ETHERNET:
        return
    head = struct.Struct(order + "IIII")
    at = 24
    while at + 16 <= len(octets):
        seconds, fraction, kept, wire = head.unpack_from(octets, at)
        at += 16
        if kept > RECORD_MAX or at + kept > len(octets):
            return
        yield Record(seconds * 1_000_000 + fraction // divisor, wire, octets[at : at + kept])
        at += kept


def readdressed(frame: bytes, replica: int, salt: int) -> bytes:
    """A frame with addresses of another replica (0 leaves it as it is)."""
    at = 18 if frame[12:14] == b"\x81\x00" else 14
    ethertype = frame[at - 2 : at]
    changed = bytearray(frame)
    if not replica:
        return frame
    if ethertype == b"\x08\x00" and len(frame) >= at + 20:
        for offset, mask in ((13, replica), (17, replica), (14, salt)):
            changed[at + offset] ^= mask
    elif ethertype == b"\x86\xdd" and len(frame) >= at + 40:
        for offset in (12, 28):
            changed[at + offset] ^= replica
    return bytes(changed)


def placed(paths: Sequence[Path], replicas: int, seed: int) -> list[Placed]:
    """All records of all files and replicas, in order of time."""
    rng = random.Random(seed)
    out: list[Placed] = []
    for path in paths:
        found = list(records(path))
        if not found:
            continue
        first = found[0].time
        salt = zlib.crc32(path.name.encode()) & 0x3F
        for replica in range(replicas):
            start = START_US + rng.randrange(WITHIN_US)
            for record in found:
                after = record.time - first
                after = after if 0 <= after <= LONGEST_US else 0
                out.append(Placed(start + after, len(out), replica, salt, record))
    out.sort()
    return out


def merge(out: Path, paths: Sequence[Path], *, replicas: int = 1, seed: int = 7) -> int:
    """Write the merged capture.

    Args:
        out: file to write (classic, microseconds, Ethernet).
        paths: captures, in a fixed order.
        replicas: how often each takes part.
        seed: of the places in time.

    Returns:
        The number of packets written.
    """
    rows = placed(paths, replicas, seed)
    with out.open("wb", 1 << 22) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, RECORD_MAX, ETHERNET))
        for row in rows:
            octets = readdressed(row.record.octets, row.replica, row.salt)
            head = (*divmod(row.time, 1_000_000), len(octets), row.record.wire)
            file.write(struct.pack("<IIII", *head))
            file.write(octets)
    return len(rows)


def main(argv: list[str] | None = None) -> int:
    """Merge captures and print the count as JSON."""
    parser = argparse.ArgumentParser(prog="bench.merge", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", type=Path, help="folder with captures, searched to its leaves")
    parser.add_argument("--replicas", type=int, default=1)
    args = parser.parse_args(argv)
    paths = sorted(p for p in args.folder.rglob("*") if p.is_file() and "hostile" not in p.parts)
    count = merge(args.out, paths, replicas=args.replicas)
    print(json.dumps({"packets": count}))  # the parent reads this line
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
