"""Feeds mutated captures to the compiled core, and compares it with the reference on part of them.

Run by fuzz/run.sh against a build with AddressSanitizer and UndefinedBehaviorSanitizer: a read or
write out of bounds, a leak of undefined behaviour or a difference between the cores ends it with an
error. Seeded: the same seed makes the same inputs.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import gzip
import importlib.util
import random
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from plugin.core import Timeouts  # noqa: E402 - the checkout must be found first
from plugin.core._reference import Engine as Reference  # noqa: E402
from plugin.core._reference_demux import Demux as ReferenceDemux  # noqa: E402
from plugin.core._reference_sos import sos as reference_sos  # noqa: E402
from plugin.core.layout import PACKET  # noqa: E402
from plugin.flows import by_numpy  # noqa: E402
from plugin.flows.spec import FEATURES  # noqa: E402
from plugin.offline.behaviours import by_events  # noqa: E402
from plugin.offline.judged import in_words, packed  # noqa: E402
from plugin.sessions.uses import USES, Uses  # noqa: E402
from plugin.sessions.watch import ARP, SECONDS, arp_of, counted_by_numpy, ports_table  # noqa: E402
from tests import demuxes, flowing, judging  # noqa: E402
from tests.engines import make, run  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

LINKS = (0, 1, 9, 12, 50, 101, 104, 108, 113, 127, 228, 229, 276)
LENGTH_MAX = 60_000
DIFFERENTIAL_MAX = 4_000
"""Inputs up to this many bytes are compared with the reference, which is slow."""


def compiled(path: Path) -> ModuleType:
    """The module of the extension file given (the sanitizers' build, not the installed one)."""
    spec = importlib.util.spec_from_file_location("plugin.core._core", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no extension")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def corpus() -> list[bytes]:
    """The captures that come with the tests."""
    files = [p for p in sorted((ROOT / "tests" / "data").rglob("*")) if ".pcap" in p.name]
    contents = [p.read_bytes() for p in files]
    return [gzip.decompress(c) if c[:2] == b"\x1f\x8b" else c for c in contents]


def mutated(rng: random.Random, base: bytes) -> bytes:
    """A piece of a capture with some bytes changed, its file header often kept."""
    header = base[:24]
    start = 0 if rng.random() < 0.5 else rng.randrange(len(base))
    length = min(LENGTH_MAX, int(rng.paretovariate(0.7) * 100))
    data = bytearray(base[start : start + length])
    if start and rng.random() < 0.7:
        data[:0] = header
    if len(data) >= 24 and rng.random() < 0.2:
        data[20:24] = rng.choice(LINKS).to_bytes(4, "little")
    for _ in range(rng.randrange(12)):
        if data:
            at = rng.randrange(len(data))
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(data)


def settings(rng: random.Random) -> dict[str, Any]:
    """Small limits, so that growth, eviction and sweeping are met often."""
    short = Timeouts(*(rng.choice((0, 1, 60, 3600)) for _ in range(8)))
    return {
        "timeouts": short,
        "max_open": rng.choice((1, 2, 50)),
        "max_macs": rng.choice((0, 1, 99)),
    }


def once(rng: random.Random, engine: type, captures: list[bytes]) -> None:
    """One input; raises when the cores differ (the sanitizers end the process themselves)."""
    data = mutated(rng, rng.choice(captures))
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(4)))
    chosen, stats = settings(rng), rng.random() < 0.8
    room = {"packet_room": rng.choice((1, 7, 500)), "session_room": rng.choice((1, 5, 500))}
    result = run(make(engine, stats=stats, **chosen), data, cuts=cuts, stats=stats, **room)
    if len(data) <= DIFFERENTIAL_MAX:
        expected = run(make(Reference, stats=stats, **chosen), data, cuts=cuts, stats=stats, **room)
        if result != expected:
            Path("fuzz-difference.bin").write_bytes(data)
            raise SystemExit(
                f"the cores differ: fuzz-difference.bin, cuts {cuts}, {chosen}, {room}"
            )


def watch_once(rng: random.Random, kind: type) -> None:
    """Watching any records, whole or nonsense: what numpy tells, or a refusal."""
    number = rng.choice((0, 1, 2, 9, 300))
    records = bytearray(rng.randbytes(PACKET.size * number))
    rows = np.frombuffer(records, PACKET.dtype())
    if rng.random() < 0.7:  # so that some are counted, and some fall together
        rows["proto"], rows["marks"] = rng.choice((1, 6, 17, 58)), rng.choice((0, 0, 64))
        rows["src_ip"][:, 1:], rows["dst_ip"][:, 1:] = 0, 0
        rows["src_ip"][:, :1] &= 3
        rows["src_ip"][:, 10:12] = 255
        rows["src_mac"], rows["dst_mac"] = rng.randrange(-1, 3), rng.randrange(-1, 3)
        rows["arp_sha"], rows["arp_op"] = rng.randrange(-1, 3), rows["arp_op"] & 1
        rows["session"] &= 0xFF
        rows["time"] //= 1 << 32
        rows["dst_port"], rows["direction"] = rng.choice((53, 67, 9, 4500)), rng.randrange(2)
    table, most = ports_table(), rng.choice((1, 2, 99))
    watch, uses = kind(table, most, rng.randbytes(16)), Uses(most)
    for part in np.array_split(rows, 2):
        told = [*map(np.frombuffer, watch.feed(part.tobytes()), (SECONDS, ARP, USES))]
        expected = [counted_by_numpy(part), arp_of(part), uses.take(part)]
        pairs = zip(told, expected, strict=True)
        if not all(np.array_equal(a[n], b[n]) for a, b in pairs for n in b.dtype.names or ()):
            Path("fuzz-difference.bin").write_bytes(records)
            raise SystemExit("what is told of packets differs: fuzz-difference.bin")
    for ports, packets in ((table, records + b"x"), (table[1:], records)):
        with contextlib.suppress(ValueError):
            kind(ports, most, bytes(16)).feed(packets)
            raise SystemExit("buffers that do not fit were taken")


def judge_once(rng: random.Random, kernel: Any) -> None:
    """Behaviours of rows that no network would send, as the live detectors do; then damaged."""
    parameters, capture = judging.rules(rng), judging.capture(rng)
    rows, last, ports, rules = packed(capture, parameters)
    told = kernel(rows, last, ports, rules, rng.randbytes(16))
    if in_words(told, capture, parameters) != [*by_events(capture, parameters)]:
        Path("fuzz-difference.bin").write_bytes(b"".join(map(bytes, rows)))
        raise SystemExit(f"findings differ: fuzz-difference.bin, {parameters}")
    torn = damaged(rng, tuple(map(bytes, (*rows, rules))))
    with contextlib.suppress(ValueError):
        kernel((*torn[:5],), rng.randrange(-(1 << 63), 1 << 63), ports, torn[5], bytes(16))


def frames_of(rng: random.Random, base: bytes) -> list[demuxes.Arrived]:
    """Pieces of a capture as frames: few are whole, most have headers near their start."""
    out = []
    for _ in range(rng.randrange(1, 20)):
        start = rng.randrange(24, max(25, len(base)))
        data = base[start : start + min(3000, int(rng.paretovariate(0.8) * 40))]
        if rng.random() < 0.7:
            kind = rng.choice((b"\x08\x00\x45", b"\x86\xdd\x60", b"\x81\x00", b"\x08\x06"))
            data = bytes((2, 0, 0, 0, 0, rng.randrange(4)) * 2) + kind + data
        tci = rng.choice((-1, -1, 0, 100, 0xFFFF))
        out.append(demuxes.Arrived(rng.randrange(2**32 * 10**9), data, rng.randrange(2**32), tci))
    return out


def block_once(rng: random.Random, kind: type, captures: list[bytes]) -> None:
    """One damaged TPACKET_V3 block through both demuxes, and a device forgotten between two."""
    limits = {
        "max_devices": rng.choice((1, 3, 99)),
        "buffer": rng.choice((256, 1000, 4096)),
        "memory": rng.choice((8192, 1 << 20)),
        "stream": rng.choice((0, 4096)),
        "names": rng.random() < 0.5,
        "repeat": rng.choice((0, 10**9)),
    }
    blocks = []
    for _ in range(2):
        data = bytearray(demuxes.block(frames_of(rng, rng.choice(captures))))
        for _ in range(rng.randrange(6)):
            at = rng.randrange(min(len(data), rng.choice((160, 100_000))))
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        blocks.append(bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data))
    outcomes = []
    for each in (kind, ReferenceDemux):
        driver = demuxes.Driver(demuxes.make(each, **limits))
        driver.block(blocks[0])
        driver.take(driver.demux.pending())
        if driver.demux.devices():
            driver.demux.forget(0)
        driver.block(blocks[1])
        outcomes.append(driver.finish())
    if outcomes[0] != outcomes[1]:
        Path("fuzz-difference.bin").write_bytes(b"".join(blocks))
        raise SystemExit(f"the demuxes differ: fuzz-difference.bin, {limits}")


def number(rng: random.Random) -> float:
    """Any float64: near others, far from all, or any 64 bits."""
    kind = rng.random()
    if kind < 0.4:
        return rng.gauss(0, 1)
    if kind < 0.8:
        return float(rng.randrange(3))
    return float(struct.unpack("<d", rng.randbytes(8))[0])


def sos_once(rng: random.Random, kernel: Any) -> None:
    """Outlier selection among any numbers: probabilities, or a refusal by both cores."""
    columns, n = rng.choice((-1, 0, 1, 2, 7)), rng.choice((0, 1, 2, 9, 40))
    items = max(0, columns) * n + (rng.random() < 0.05)
    rows = struct.pack(f"<{items}d", *(number(rng) for _ in range(items)))
    chosen = (rng.choice((0.9, 1.0, 2.5, 4.5, 1e300)), rng.random() < 0.5, rng.choice((0.0, 1e-9)))
    span = (rng.randrange(-1, n + 2), rng.randrange(-1, n + 2))
    refused = []
    for each in (kernel, reference_sos):
        fresh = array.array("d", [1.0] * n)
        out = fresh, fresh[:], fresh[:]
        try:
            each(rows, columns, chosen, span, out)
        except ValueError:
            refused.append(each)
        if not all(0 <= value <= 1 for value in out[0]):
            raise SystemExit(f"no probability: {rows!r}, {columns}, {chosen}, {span}")
    if len(refused) == 1:
        raise SystemExit(f"one core refused: {rows!r}, {columns}, {chosen}, {span}")


def flows_once(rng: random.Random, module: ModuleType) -> None:
    """Any records as flows, parted and made rows, as numpy does it."""
    rows = flowing.records(rng.randrange(1 << 32), rng.choice((0, 1, 9, 300)))
    table, other = module.FlowTable(rng.randbytes(16)), by_numpy.Gathered()
    for piece in np.array_split(rows, rng.randrange(1, 4)):
        table.feed(piece.tobytes())
        other.feed(piece.tobytes())
    few = rng.randrange(4)
    found, expected = table.columns(few), other.flows(few)
    grid, least, drop = rng.random() < 0.5, rng.randrange(4), rng.random() < 0.5
    limits = np.full(len(expected), rng.choice((0, 1, 10**7, 10**9, 1 << 62)))
    feature, width = rng.randrange(len(FEATURES)), rng.choice((1, 2, 3, 12, 40))
    width, header = 12 if FEATURES[feature] == "STATS" else width, rng.random() < 0.5
    how = (feature, header, rng.choice((1, 10**7, 10**9, 1 << 63)))
    out = np.zeros((len(expected), width + (8 + width) * header))
    ours, numpys = [*found], [column.tobytes() for column in expected]
    if len(expected):
        ours += module.flow_parts(*found[1:3], limits, grid, least, drop)
        parts = by_numpy.parts(expected, limits, grid=grid, least=least, drop=drop)
        numpys += [part.tobytes() for part in parts]
        module.flow_rows(found[1:], how, width, out)
        ours.append(out.tobytes())
        out[:] = 0
        by_numpy.rows(expected, FEATURES[feature], how[2], header=header, out=out)
        numpys.append(out.tobytes())
    if ours != numpys:
        Path("fuzz-difference.bin").write_bytes(rows.tobytes())
        raise SystemExit(f"flows differ: fuzz-difference.bin, {grid}, {least}, {drop}, {how}")
    columns = damaged(rng, found[1:])
    calls: tuple[Callable[[], object], ...] = (
        lambda: module.flow_parts(columns[0], columns[1], limits, grid, least, drop),
        lambda: module.flow_rows(tuple(columns), how, width, out),
        lambda: module.flow_pieces(columns[0], columns[0][8:], tuple(columns[1:])),
        lambda: module.flow_pieces(columns[0][:-8], columns[0][8:], tuple(columns[1:])),
    )
    for call in calls:
        with contextlib.suppress(ValueError):
            call()


def damaged(rng: random.Random, columns: tuple[bytes, ...]) -> list[bytearray]:
    """Columns with some bytes changed, and now and then one that is too short."""
    changed = [bytearray(column) for column in columns]
    for _ in range(rng.randrange(1, 4)):
        column = rng.choice(changed)
        if column:
            column[rng.randrange(len(column))] = rng.randrange(256)
    if rng.random() < 0.2:
        del rng.choice(changed)[-rng.randrange(1, 9) :]
    return changed


def main() -> None:
    """Fuzz for a number of inputs or seconds, whichever ends first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extension", type=Path)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    module, captures = compiled(args.extension), corpus()
    rng = random.Random(args.seed)  # noqa: S311 - reproducible, not secret
    end = time.monotonic() + args.seconds
    done = 0
    while done < args.inputs and time.monotonic() < end:
        once(rng, module.Engine, captures)
        watch_once(rng, module.Watch)
        judge_once(rng, module.behaviours)
        block_once(rng, module.Demux, captures)
        sos_once(rng, module.sos)
        flows_once(rng, module)
        done += 1
    sys.stdout.write(
        f"fuzz: {done} captures, pairs of blocks, tables and flows (seed {args.seed}), "
        "no report, no difference\n"
    )


if __name__ == "__main__":
    main()
