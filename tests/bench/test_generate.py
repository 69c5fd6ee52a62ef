from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.frames import KINDS, ODD_KINDS, Columns, headers
from bench.generate import Plan, draw_flows, flow_sizes, odd_share, write_capture
from bench.rule import count_sessions, found_in, frames

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Plan(packets=20_000)
PROTOCOLS = {
    "tcp4": (4, 6), "udp4": (4, 17), "icmp4": (4, 1), "tcp6": (6, 6), "udp6": (6, 17),
    "icmp6": (6, 58), "vlan_tcp4": (4, 6), "qinq_udp4": (4, 17), "mpls_tcp4": (4, 6),
    "ext6_udp": (6, 17), "frag4_udp": (4, 17),
}  # fmt: skip


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in "abc")
    write_capture(first, SMALL)
    write_capture(again, SMALL)
    write_capture(other, Plan(packets=20_000, seed=8))
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("plan", [SMALL, Plan(packets=500_000), Plan.long_flows(500_000)])
def test_sizes_sum_to_the_packets_asked_for(plan: Plan) -> None:
    sizes = flow_sizes(plan, np.random.default_rng(1))
    assert sizes.sum() == plan.packets
    assert sizes.min() >= 1


def test_flow_sizes_have_a_heavy_tail() -> None:
    sizes = flow_sizes(Plan(packets=400_000), np.random.default_rng(1))
    assert sizes.max() > 100 * sizes.mean()
    assert np.median(sizes) < sizes.mean()


def test_long_flows_are_long() -> None:
    flows = draw_flows(Plan.long_flows(400_000), np.random.default_rng(1))
    assert 1_000 < flows.sizes.mean() < 2_000


@pytest.mark.parametrize("plan", [Plan(), Plan.long_flows(800_000)])
def test_three_to_five_packets_in_a_hundred_are_odd(plan: Plan) -> None:
    assert 0.03 <= odd_share(plan) <= 0.05


def test_the_file_is_what_the_plan_says(tmp_path: Path) -> None:
    path = tmp_path / "made.pcap"
    written = write_capture(path, SMALL)
    counted = count_sessions(path)
    assert written.size == path.stat().st_size
    assert counted.packets == SMALL.packets
    assert 0.5 * SMALL.packets / SMALL.mean_flow < counted.sessions < SMALL.packets


def test_times_go_on_and_frames_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "made.pcap"
    write_capture(path, Plan(packets=5_000))
    rows = list(frames(path))
    times = [time for time, _, _ in rows]
    assert times == sorted(times)
    assert min(len(frame) for _, _, frame in rows) >= 60


def test_snaplen_cuts_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "made.pcap"
    write_capture(path, Plan(packets=5_000, snaplen=128))
    assert max(len(frame) for _, _, frame in frames(path)) == 128


def one(kind: str, *, nth: int = 5, back: bool = False) -> bytes:
    """One frame's headers of a kind."""
    number = np.array([KINDS.index(kind)])
    columns = Columns(
        micros=np.array([7]),
        kind=number,
        nth=np.array([nth]),
        left=np.array([9]),
        back=np.array([back]),
        payload=np.array([33]),
        ports=np.array([[40_000, 443]]),
        hosts=np.array([[3, 4]]),
    )
    return headers(int(number[0]), columns).octets.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_what_its_name_says(kind: str) -> None:
    found = found_in(1, one(kind))
    if kind in ("arp", "llc"):
        assert found is None
        return
    assert found is not None
    assert (found.version, found.proto) == PROTOCOLS[kind]


@pytest.mark.parametrize("kind", ["tcp4", "udp6", "qinq_udp4", "ext6_udp", "mpls_tcp4"])
def test_an_answer_goes_the_other_way(kind: str) -> None:
    there, back = found_in(1, one(kind)), found_in(1, one(kind, back=True))
    assert there is not None
    assert back is not None
    assert (there.src, there.dst) == (back.dst, back.src)
    assert there.src[1] == 40_000


def test_only_the_first_fragment_has_ports() -> None:
    first, later = (found_in(1, one("frag4_udp", nth=nth)) for nth in (3, 4))
    assert first is not None
    assert later is not None
    assert (first.src[1], later.src[1]) == (40_000, 0)


def test_the_odd_kinds_are_those_beyond_plain_ip() -> None:
    assert set(ODD_KINDS) == {
        "vlan_tcp4", "qinq_udp4", "mpls_tcp4", "ext6_udp", "frag4_udp", "arp", "llc",
    }  # fmt: skip
