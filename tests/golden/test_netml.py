"""Flows and features against what netml itself made of them (scripts/golden_netml.py wrote it)."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin.flows import by_numpy
from plugin.flows.cut import cut, interval
from plugin.flows.features import matrix
from plugin.flows.records import Flows
from plugin.flows.spec import FEATURES, Spec, plan
from plugin.offline.flows import read_flows

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "tests" / "data" / "netml" / "small.pcap.xz"
DEMO = ROOT / "tests" / "data" / "captures" / "netml_demo.pcap"
GOLDEN = dict(np.load(ROOT / "tests" / "golden" / "netml.npz"))
DEMOS = dict(np.load(ROOT / "tests" / "golden" / "netml-demo.npz"))
TABLES = [name for name in GOLDEN if name.count("-") == 2]
APART = 1e-6
EVERY = 4
REWRITTEN = {88, 389}
"""Kerberos and LDAP: scapy writes their ASN.1 anew when it is asked for a packet's length."""
ROUNDED = 2.4e-7
"""Seconds between two floating-point numbers near the demo's time, a good 1.4e9 s."""


def read(path: Path) -> tuple[Flows, float]:
    whole = read_flows([path], last="drop").flows
    seconds = interval(whole)
    return cut(whole, seconds, last="drop"), seconds


@pytest.fixture(scope="module")
def small() -> tuple[Flows, float]:
    return read(SMALL)


@pytest.fixture(scope="module")
def demo() -> tuple[Flows, float]:
    return read(DEMO)


def planned(name: str, flows: Flows, seconds: float) -> Spec:
    feature, fft, header = name.rsplit("-", 2)
    return plan(flows, feature, interval=seconds, fft=fft == "1", header=header == "1", last="drop")


def tuples(flows: Flows) -> list[list[Any]]:
    def address(raw: bytes) -> str:
        return str(ipaddress.IPv6Address(raw).ipv4_mapped)

    return [
        [address(k["src_ip"].tobytes()), address(k["dst_ip"].tobytes())]
        + [int(k[name]) for name in ("src_port", "dst_port", "proto")]
        for k in flows.keys
    ]


def same_flows(flows: Flows, seconds: float, golden: dict[str, Any]) -> None:
    assert seconds == pytest.approx(float(golden["interval"]), abs=APART)
    assert flows.counts().tolist() == golden["counts"].tolist()
    assert tuples(flows) == [json.loads(text) for text in golden["flows"].tolist()]


@pytest.mark.usefixtures("core")
def test_the_flows_are_netmls() -> None:
    flows, seconds = read(SMALL)
    same_flows(flows, seconds, GOLDEN)
    whole = read_flows([SMALL]).flows
    assert len(whole) > len(read_flows([SMALL], last="drop").flows)  # some ended by their time-out
    assert len(cut(whole, seconds)) > len(flows)


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize("name", TABLES)
def test_the_values_are_netmls(name: str, small: tuple[Flows, float]) -> None:
    spec = planned(name, *small)
    ours, theirs = matrix(small[0], spec), GOLDEN[name]
    if spec.fft:
        ours = ours[::EVERY]
    assert ours.shape == theirs.shape == (len(theirs), len(spec.columns()))
    # Rates reach 1e8 a second: the millionth is one of the value, where that is above 1.
    assert (np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max() <= APART


def test_all_features_are_there() -> None:
    assert len(TABLES) == 4 * len(FEATURES)
    assert str(GOLDEN["made_by"]).startswith("scripts/golden_netml.py; netml 0.7.1")
    assert len(GOLDEN["counts"]) >= 50


def rewritten(flows: Flows) -> Any:
    ports = np.stack([flows.keys["src_port"], flows.keys["dst_port"]])
    return np.isin(ports, list(REWRITTEN)).any(axis=0)


def test_the_demos_flows_gaps_and_headers_are_netmls(demo: tuple[Flows, float]) -> None:
    same_flows(*demo, DEMOS)
    ours = matrix(demo[0], planned("IAT-0-1", *demo))
    assert np.abs(ours - DEMOS["IAT-0-1"]).max() <= APART


def test_sizes_differ_where_scapy_wrote_packets_anew(demo: tuple[Flows, float]) -> None:
    ours, theirs = matrix(demo[0], planned("SIZE-0-0", *demo)), DEMOS["SIZE-0-0"]
    wrong = (ours != theirs).any(axis=1)
    assert wrong.sum() == 15
    assert not (wrong & ~rewritten(demo[0])).any()


def test_rates_differ_by_what_netmls_times_are_rounded(demo: tuple[Flows, float]) -> None:
    right = ~rewritten(demo[0])
    ours, theirs = matrix(demo[0], planned("STATS-0-0", *demo))[right], DEMOS["STATS-0-0"][right]
    apart = np.abs(ours - theirs)
    assert apart[:, [0, *range(3, 12)]].max() <= APART
    lasting = ours[:, 0] > 0
    limit = ours[lasting, 1:3] * ROUNDED / (ours[lasting, :1] - ROUNDED)
    assert (apart[lasting, 1:3] <= limit).all()
    assert not apart[~lasting, 1:3].any()


@pytest.mark.parametrize("feature", ["SAMP_NUM", "SAMP_SIZE"])
def test_windows_differ_by_what_netmls_times_are_rounded(
    feature: str, demo: tuple[Flows, float]
) -> None:
    flows, theirs = demo[0], DEMOS[f"{feature}-0-0"]
    count, right = feature == "SAMP_NUM", ~rewritten(demo[0])
    # What scapy makes of a time: the nearest floating-point number.
    seconds = np.array([time / 10**9 for time in flows.time.tolist()])
    took = seconds[flows.starts[1:] - 1] - seconds[flows.starts[:-1]]
    window: Any = float(np.quantile(took, 0.3))
    rounded = np.zeros(theirs.shape)
    for row, (begin, end) in enumerate(zip(flows.starts, flows.starts[1:], strict=False)):
        amounts = [1] * int(end - begin) if count else flows.size[begin:end].tolist()
        times: Any = seconds[begin:end].tolist()
        found = by_numpy.windows(times, amounts, window)[: theirs.shape[1]]
        rounded[row, : len(found)] = found
    which = np.ones(len(flows), bool) if count else right
    assert (rounded == theirs)[which].all()
    exact = matrix(flows, planned(f"{feature}-0-0", *demo))
    assert (exact == theirs).all(axis=1).sum() == {"SAMP_NUM": 145, "SAMP_SIZE": 141}[feature]
