"""A seeded capture generator: what a busy link looks like, made without any download.

Flow sizes are heavy-tailed, four packets in a hundred are odd ones (VLAN, QinQ, MPLS, IPv6
extension headers, fragments, ARP, LLC), times are interleaved as on a real link, and
payloads have their size on the wire. The same plan gives the same bytes.

Run as ``python -m bench.generate OUT [--packets N] [--long] [--snaplen N] [--seed N]``: the
bench does so in a child, because a parent that has ever been large would show its own
memory as every contender's.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.frames import KINDS, ODD_KINDS, Columns, headers

if TYPE_CHECKING:
    from numpy.typing import NDArray

START_S = 1_700_000_000
PACKETS_A_SECOND = 1_800
CHUNK = 1 << 16
MIN_FRAME = 60
MTU = 1_500
FILE_HEADER = bytes.fromhex("d4c3b2a1020004000000000000000000")
SHARES = (0.49, 0.25, 0.03, 0.12, 0.06, 0.01, 0.010, 0.006, 0.003, 0.006, 0.008, 0.005, 0.002)
"""Share of the packets of each of :data:`bench.frames.KINDS`; the odd ones sum to 0.04."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to generate.

    Attributes:
        packets: frames in the file.
        seed: of the random generator.
        mean_flow: packets a flow on average.
        largest_flow: packets of the largest flow, at most.
        full_share: share of the packets that fill the MTU.
        snaplen: bytes kept of a frame.
    """

    packets: int = 1_600_000
    seed: int = 7
    mean_flow: float = 8.5
    largest_flow: int = 20_000
    full_share: float = 0.19
    snaplen: int = 262_144

    @classmethod
    def long_flows(cls, packets: int, seed: int = 7) -> Plan:
        """Few flows of more than a thousand packets each, of 300 bytes on average."""
        return cls(
            packets=packets, seed=seed, mean_flow=1_366.0, largest_flow=16_000, full_share=0.1
        )


class Written(NamedTuple):
    """What was written: frames and bytes of the file."""

    packets: int
    size: int


class Flows(NamedTuple):
    """One row a flow: its packets, its kind, its start (s) and the seed of its addresses."""

    sizes: NDArray[np.int64]
    kinds: NDArray[np.int64]
    starts: NDArray[np.float64]
    ports: NDArray[np.int64]  # (flows, 2): originator, responder
    hosts: NDArray[np.int64]  # (flows, 2)


def flow_sizes(plan: Plan, rng: np.random.Generator) -> NDArray[np.int64]:
    """Heavy-tailed packets a flow (Lomax, shape 1.2), summing to ``plan.packets`` exactly."""
    wanted = max(1, round(plan.packets / plan.mean_flow))
    raw = rng.pareto(1.2, wanted) + 0.05
    wide = np.clip(raw * (plan.mean_flow / raw.mean()), 1, plan.largest_flow)
    sizes: NDArray[np.int64] = wide.astype(np.int64)
    total = np.cumsum(sizes)
    if total[-1] >= plan.packets:
        sizes = sizes[: int(np.searchsorted(total, plan.packets)) + 1]
        sizes[-1] -= int(sizes.sum()) - plan.packets
        return sizes
    missing = plan.packets - int(total[-1])
    each, rest = divmod(missing, len(sizes))
    sizes += each
    sizes[:rest] += 1
    return sizes


def flow_kinds(sizes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The kind of each flow, such that the kinds' shares of the *packets* are SHARES."""
    order = rng.permutation(len(sizes))
    middle = np.cumsum(sizes[order]) - sizes[order] / 2
    kinds = np.empty(len(sizes), np.int64)
    shares = np.cumsum(SHARES)
    kinds[order] = np.searchsorted(shares / shares[-1], middle / sizes.sum())
    return np.minimum(kinds, len(KINDS) - 1)


def draw_flows(plan: Plan, rng: np.random.Generator) -> Flows:
    """Sizes, kinds, starts and addresses of all flows."""
    sizes = flow_sizes(plan, rng)
    count = len(sizes)
    services = np.array([443, 80, 53, 22, 445, 123, 3389, 8080, 993, 5353, 1883, 5000])
    weights = 1.0 / np.arange(1, len(services) + 1)
    ports = np.stack(
        [
            rng.integers(32_768, 61_000, count),
            rng.choice(services, count, p=weights / weights.sum()),
        ],
        axis=1,
    )
    hosts = np.stack([rng.integers(0, 500, count), rng.integers(0, 50_000, count)], axis=1)
    starts = rng.random(count) * plan.packets / PACKETS_A_SECOND
    kinds = flow_kinds(sizes, rng)
    # One flow in a hundred comes again on the same ports, so that closing and idling count.
    again = 1 + rng.choice(count - 1, count // 100, replace=False)
    for column in (ports, hosts, kinds):
        column[again] = column[again - 1]
    return Flows(sizes, kinds, starts, ports, hosts)


def draw_packets(plan: Plan, flows: Flows, rng: np.random.Generator) -> Columns:
    """One row a frame, in order of time."""
    count = plan.packets
    flow = np.repeat(np.arange(len(flows.sizes)), flows.sizes)
    first = np.cumsum(flows.sizes) - flows.sizes
    nth = np.arange(count) - first[flow]
    gaps = rng.lognormal(-3.9, 1.8, count)
    pause = rng.random(count) < 0.02 / plan.mean_flow
    gaps[pause] += rng.uniform(20, 400, int(pause.sum()))
    gaps[first] = 0
    along = np.cumsum(gaps)
    seconds = flows.starts[flow] + along - along[first][flow]
    order = np.argsort(seconds, kind="stable")
    left = flows.sizes[flow] - nth - 1
    back = rng.random(count) < 0.45
    back[nth == 0] = False
    back[nth == 1] = True
    back[nth == 2] = False
    draw = rng.random(count)
    full = draw < plan.full_share
    payload = np.where(full, MTU, np.where(draw < 0.5, 0, rng.integers(20, 420, count)))
    payload[nth < 3] = 0
    return Columns(
        micros=(seconds * 1e6).astype(np.int64)[order],
        kind=flows.kinds[flow][order],
        nth=nth[order],
        left=left[order],
        back=back[order],
        payload=payload[order],
        ports=flows.ports[flow][order],
        hosts=flows.hosts[flow][order],
    )


def _chunk_bytes(rows: Columns, noise: NDArray[np.uint8], snaplen: int) -> NDArray[np.uint8]:
    """The pcap records of some rows, one after the other."""
    blocks = []
    wire = np.empty(len(rows.kind), np.int64)
    for kind in np.unique(rows.kind).tolist():
        chosen = np.flatnonzero(rows.kind == kind)
        block = headers(int(kind), rows.pick(chosen))
        wire[chosen] = np.maximum(block.wire_len, MIN_FRAME)
        blocks.append((chosen, block.octets))
    kept = np.minimum(wire, snaplen)
    ends = np.cumsum(kept + 16)
    starts = ends - kept - 16
    out: NDArray[np.uint8] = np.resize(noise, int(ends[-1]))
    record = np.stack(
        [START_S + rows.micros // 1_000_000, rows.micros % 1_000_000, kept, wire], axis=1
    )
    octets = record.astype("<u4").view(np.uint8).reshape(len(wire), 16)
    out[starts[:, None] + np.arange(16)] = octets
    for chosen, block_octets in blocks:
        width = min(block_octets.shape[1], snaplen)
        out[starts[chosen][:, None] + (16 + np.arange(width))] = block_octets[:, :width]
    return out


def write_capture(path: Path, plan: Plan) -> Written:
    """Write the planned capture (classic pcap, microseconds, Ethernet).

    Args:
        path: file to write; overwritten.
        plan: what to generate.

    Returns:
        Frames and bytes written.
    """
    rng = np.random.default_rng(plan.seed)
    flows = draw_flows(plan, rng)
    rows = draw_packets(plan, flows, rng)
    noise = np.frombuffer(rng.bytes(1 << 20), np.uint8)
    with path.open("wb") as out:
        out.write(FILE_HEADER)
        out.write(np.array([min(plan.snaplen, 262_144), 1], "<u4").tobytes())
        for start in range(0, plan.packets, CHUNK):
            chunk = rows.pick(slice(start, start + CHUNK))
            out.write(_chunk_bytes(chunk, noise, plan.snaplen).data)
    return Written(plan.packets, path.stat().st_size)


def odd_share(plan: Plan) -> float:
    """Share of the packets of the odd kinds, as drawn."""
    rng = np.random.default_rng(plan.seed)
    flows = draw_flows(plan, rng)
    odd = np.isin(flows.kinds, [KINDS.index(k) for k in ODD_KINDS])
    return float(flows.sizes[odd].sum() / flows.sizes.sum())


def main(argv: list[str] | None = None) -> int:
    """Generate one file and print what was written as JSON."""
    parser = argparse.ArgumentParser(prog="bench.generate", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--packets", type=int, default=Plan().packets)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--long", action="store_true", help="few long flows")
    parser.add_argument("--snaplen", type=int, default=262_144)
    args = parser.parse_args(argv)
    plan = (
        Plan.long_flows(args.packets, args.seed)
        if args.long
        else Plan(packets=args.packets, seed=args.seed, snaplen=args.snaplen)
    )
    written = write_capture(args.out, plan)
    print(json.dumps(written._asdict()))  # the parent reads this line
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
