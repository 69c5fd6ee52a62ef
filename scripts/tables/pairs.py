"""Record pairs in the lab (the same host normal, then bad) and hold what is found against them.

    python -m scripts.tables.pairs --out DIR                         all of it: docs/pairs.csv
    python -m scripts.tables.pairs --out DIR --only judge            what is recorded already
    python -m scripts.tables.pairs --out DIR --only normal --hours 1
    python -m scripts.tables.pairs --out DIR --only cut              tests/data/pairs

What is in DIR already is not recorded again, so it can be ended and begun anew. A pair takes two
minutes and a beacon seven, on a machine that has time: a lab that is late does not do what it is to
do. Needs what labs need (docs/lab.md), not root.

Normal traffic is of two kinds: of labs that are up, which takes as long as it takes, and rehearsed
(plugin.lab.rehearsal): the same hosts in one process on a clock that does not wait, an hour in some
two minutes; its kernels are imitated, its hosts are not. They are rehearsed twice: as busy as their
profiles say, and in haste, as offices made by chance are (two and a half to four times as busy, so
that little time shows much).
"""

from __future__ import annotations

import argparse
import csv
import ipaddress
import itertools
import json
import lzma
import shutil
import signal
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.errors import HaliaError
from plugin.lab.bad import KINDS
from plugin.lab.offices import office
from plugin.lab.pairs import Pair, judge, subject
from plugin.lab.record import MIRROR, RUN, UNPACKED, Bad, Wishes, record
from plugin.lab.recordings import read_seeds
from plugin.lab.rehearsal import rehearse
from plugin.offline.behaviours import findings_of, load_parameters
from plugin.offline.read import read_capture
from scripts.tables.accused import accused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plugin.lab.topology import Topology
    from plugin.ml.behaviour.finding import Found

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = ROOT / "configs" / "behaviours.yaml"
TABLE = ROOT / "docs" / "pairs.csv"
CUTS = ROOT / "tests" / "data" / "pairs"
BEFORE, DURING = 60.0, 45.0
LASTS = {"beacon": 340.0, "flood": 8.0, "syn-flood": 12.0, "icmp-flood": 12.0, "scan": 20.0}
"""Seconds of being bad, where it is not DURING: what is much is not recorded for long."""
MORE = 10.0
"""Seconds that a recording goes on after that: what waits for an answer gives it up."""
CUT_BEFORE, CUT_AFTER = 2.0, (4.0, 1.0, 0.2, 10.0)
"""Seconds that a piece has before the host turns bad, and after the finding: the first of these
with which that one is made, and no other."""
PACES = {"rehearsed": 1.0, "in-haste": None}
"""Rehearsals: how many times as busy as the profiles say; None: as the office has it."""
STEPS = ("pairs", "normal", "rehearsed", "judge", "cut")
STAND_INS = 10
"""Offices asked after those of the seeds, where nobody can do it."""
Job = tuple["Topology", Path, Wishes]
PIECE_MAX = 150_000
ALONE = frozenset({"beacon", "exfiltrate"})
"""Kinds of pieces that have the talks with the target alone: they take long."""
_HEAD, _ENTRY = 24, struct.Struct("<IIII")
_HEADERS = 38
"""Bytes of Ethernet, a VLAN tag and IPv4."""
_ARP = b"\x08\x06"


def main() -> int:
    """Record, rehearse, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--only", choices=STEPS, help="one step (default: all but cut)")
    parser.add_argument("--seeds", type=read_seeds, default=(1, 2, 3), help="offices (1-3)")
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=tuple(KINDS))
    parser.add_argument("--jobs", type=int, default=2, help="labs at a time (2)")
    parser.add_argument("--hours", type=float, default=1.0, help="of normal traffic, each seed (1)")
    parser.add_argument("--normal-seeds", type=read_seeds, default=(1,), help="of labs that are up")
    parser.add_argument("--csv", type=Path, default=TABLE, help="the table (docs/pairs.csv)")
    args = parser.parse_args()
    # Ctrl-C ends it at once: labs go down with their maker, and its threads would be waited for.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    args.out.mkdir(parents=True, exist_ok=True)
    done = {args.only} if args.only else {"pairs", "normal", "rehearsed", "judge"}
    failed = 0
    if done & {"pairs", "normal"}:
        failed = _record(args, done)
    if "rehearsed" in done:
        for seed, (name, pace) in itertools.product(args.seeds, PACES.items()):
            topology = office(seed)
            topology = topology if pace is None else topology._replace(pace=pace)
            _rehearse(args.out / name / str(seed), topology, args.hours * 3600)
    if "judge" in done:
        _write(args.csv, _judged(args.out))
    if "cut" in done:
        _cut(args.out)
    return 1 if failed else 0


def _record(args: argparse.Namespace, done: set[str]) -> int:
    """Record what is missing; gives how many failed."""
    jobs = [*(_normal(args) if "normal" in done else ())]  # the longest first
    jobs += _pairs(args) if "pairs" in done else ()
    jobs = [one for one in jobs if not (one[1] / str(one[0].seed) / RUN).exists()]
    for topology, place, _ in jobs:  # what was cut short, or failed
        shutil.rmtree(place / str(topology.seed), ignore_errors=True)
    failed = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        waiting = {pool.submit(record, *one): one for one in jobs}
        for future in as_completed(waiting):
            topology, place, _ = waiting[future]
            what = f"{place.name}, seed {topology.seed}"
            try:
                one = future.result()
            except HaliaError as error:
                failed += 1
                print(f"{what}: {error}", file=sys.stderr, flush=True)
            else:
                print(f"{what}: {one.frames:,} frames, {one.missed:,} missed", flush=True)
    return failed


def _normal(args: argparse.Namespace) -> Iterator[Job]:
    """Labs in which nobody turns bad."""
    wishes = Wishes(seconds=args.hours * 3600, replay=True, pack=False)
    for seed in args.normal_seeds:
        yield office(seed), args.out / "normal", wishes


def _pairs(args: argparse.Namespace) -> Iterator[Job]:
    """Offices in which one turns bad."""
    for kind in args.kinds:
        lasts = LASTS.get(kind, DURING)
        for topology, host in _offices(kind, args.seeds):
            bad = Bad(host, kind, BEFORE, lasts=lasts)
            wishes = Wishes(seconds=BEFORE + lasts + MORE, bad=bad, replay=True, pack=False)
            yield topology, args.out / kind, wishes


def _offices(kind: str, seeds: Sequence[int]) -> Iterator[tuple[Topology, str]]:
    """As many offices as there are seeds, each with who turns bad.

    Those where nobody can are told; the next after the seeds stand in for them.
    """
    missing = len(seeds)
    for seed in (*seeds, *range(max(seeds) + 1, max(seeds) + 1 + STAND_INS)):
        if not missing:
            return
        topology = office(seed, machines=KINDS[kind].machines)
        try:
            host = subject(topology, kind)
        except HaliaError as error:
            print(f"{kind}, seed {seed}: {error}; the next office", file=sys.stderr)
            continue
        missing -= 1
        yield topology, host


def _rehearse(place: Path, topology: Topology, seconds: float) -> None:
    """Rehearse normal traffic, unless that is done."""
    place.mkdir(parents=True, exist_ok=True)
    if (place / RUN).exists():
        return
    frames = rehearse(topology, seconds, place / UNPACKED)
    hosts = [{"mac": host.mac} for host in topology.hosts if host.addresses]
    lab = {"seed": topology.seed, "pace": topology.pace, "hosts": hosts}
    run = {"installed": 0.0, "ended": seconds, "bad": None, "lab": lab}
    (place / RUN).write_text(json.dumps(run), encoding="utf-8")
    print(f"{place.parent.name}, seed {topology.seed}: {frames:,} frames", flush=True)


def _findings(place: Path) -> tuple[dict[str, Any], list[Found], list[str], int]:
    """What happened in a recording, what is found in it, whom suspicion would accuse; frames."""
    run = json.loads((place / RUN).read_text(encoding="utf-8"))
    capture = read_capture(_mirror(place), watched=True)
    found = sorted(findings_of(capture, load_parameters(PARAMETERS)), key=lambda one: one.time)
    suspected = [mac for mac, _ in accused(capture) if mac is not None]
    return run, found, suspected, capture.totals.packets


def _mirror(place: Path) -> Path:
    """The frames of a recording, be it of this script or of ``halia lab record``."""
    return place / (UNPACKED if (place / UNPACKED).exists() else MIRROR)


def _judged(out: Path) -> Iterator[Pair]:
    order = [*KINDS, "normal", *PACES]
    places = [path.parent for path in out.glob(f"*/*/{RUN}")]
    for place in sorted(places, key=lambda p: (order.index(p.parent.name), int(p.name))):
        pair = judge(*_findings(place))
        if pair.kind == "normal":
            pair = pair._replace(kind=place.parent.name)
        print(pair.kind, pair.seed, pair.named, pair.delay, pair.also, pair.named_wrongly)
        yield pair


def _write(path: Path, pairs: Iterator[Pair]) -> None:
    rows = [pair._asdict() for pair in pairs]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, Pair._fields, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            known = {key: "" if value is None else value for key, value in row.items()}
            writer.writerow(
                known | ({"named": int(row["named"])} if row["named"] in {0, 1} else {})
            )


def _cut(out: Path) -> None:
    """Cut one recording of each kind down to what its finding takes, for the tests."""
    CUTS.mkdir(parents=True, exist_ok=True)
    with (CUTS / "expected.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("path", "mac", "turned", "behaviour"))
        for kind in KINDS:
            places = sorted(out.glob(f"{kind}/*/"), key=lambda p: int(p.name))
            found = next(filter(None, map(_piece, places)), None)
            if found is None:
                print(f"{kind}: no recording can be cut")
                continue
            content, row = found
            packed = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
            if len(packed) > PIECE_MAX:
                print(f"{kind}: {len(packed):,} bytes are too many to keep")
                continue
            name = f"{kind}.pcap.xz"
            (CUTS / name).write_bytes(packed)
            rows.writerow((name, *row))
            print(f"{name}: {len(packed):,} bytes")


def _piece(place: Path) -> tuple[bytes, tuple[str, str, str]] | None:
    """A piece of a recording in which one finding is made, and its row; None: there is none."""
    if not (place / RUN).exists():
        return None
    run, found, _, frames = _findings(place)
    pair = judge(run, found, (), frames)
    turned, mac = run["bad"]["time"], run["bad"]["mac"]
    if pair.delay is None or pair.false_alarms:
        return None
    mirror = _mirror(place)
    whole = mirror.read_bytes()
    whole = lzma.decompress(whole) if mirror.suffix == ".xz" else whole
    for after in CUT_AFTER:
        span = turned - CUT_BEFORE, turned + pair.delay + after
        content = b"".join(_kept(whole, span, run["bad"]))
        with tempfile.NamedTemporaryFile(suffix=".pcap") as scratch:
            scratch.write(content)
            scratch.flush()
            capture = read_capture(scratch.name, watched=True)
            again = findings_of(capture, load_parameters(PARAMETERS))
        names = [one.finding.name for one in again if one.mac == mac]
        if len(again) == len(names) == 1 and names[0] in pair.expected.split():
            return content, (mac, f"{turned:.3f}", names[0])
    return None


def _kept(content: bytes, span: tuple[float, float], plan: dict[str, Any]) -> Iterator[bytes]:
    """A nanosecond pcap's head, and of its frames the bad host's within a span.

    All ARP too, from the beginning: who has an address and a MAC is learned before.
    """
    device = bytes.fromhex(plan["mac"].replace(":", ""))
    target = ipaddress.ip_address(plan["target"]).packed if plan["kind"] in ALONE else b""
    yield content[:_HEAD]
    at = _HEAD
    while at < len(content):
        seconds, rest, size, _ = _ENTRY.unpack_from(content, at)
        entry = content[at : at + _ENTRY.size + size]
        frame = entry[_ENTRY.size :]
        time = seconds + rest / 1e9
        arp = _ARP in {frame[12:14], frame[16:18]}
        mine = device in {frame[:6], frame[6:12]} and target in frame[:_HEADERS]
        if time <= span[1] and (arp or (mine and time >= span[0])):
            yield entry
        at += len(entry)


if __name__ == "__main__":
    sys.exit(main())
