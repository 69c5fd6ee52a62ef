from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import InputError, OptionError
from plugin.netml import PCAP
from tests import frames as f
from tests.netml_files import COLUMNS, DNS, FLOWS, HEADER, SMALL, write_labels


@pytest.fixture
def pcap() -> PCAP:
    made = PCAP(SMALL, flow_ptks_thres=2, random_state=42, verbose=10)
    made.pcap2flows(q_interval=0.9)
    return made


def test_the_way_of_netmls_readme(pcap: PCAP, tmp_path: Path) -> None:
    pcap.label_flows(label_file=write_labels(tmp_path / "demo.csv"))
    pcap.flow2features("IAT", fft=False, header=False)
    assert pcap.features.shape == (FLOWS, COLUMNS)
    assert pcap.labels is not None
    assert pcap.labels.sum() == DNS
    assert pcap.pcap2flows.tot_time > 0
    assert pcap.label_flows.tot_time > 0
    assert pcap.flow2features.tot_time > 0
    assert [fid[3] == 53 for fid in pcap.fids] == (pcap.labels == 1).tolist()


def test_flows_without_a_label_are_left_out(pcap: PCAP, tmp_path: Path) -> None:
    src, dst, sport, dport, proto = pcap.fids[3]
    file = tmp_path / "one.csv"
    file.write_text(f"{HEADER}0,{src},{sport},{dst},{dport},{proto},DDoS\n")
    pcap.label_flows(file)
    assert set(pcap.fids) == {(src, dst, sport, dport, proto)}
    assert pcap.labels is not None
    assert set(pcap.labels.tolist()) == {1}


def test_one_label_for_all(pcap: PCAP) -> None:
    pcap.label_flows(label=1)
    assert pcap.labels is not None
    assert pcap.labels.tolist() == [1] * FLOWS


def test_labels_of_another_capture_are_refused(pcap: PCAP, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text(f"{HEADER}0,1.2.3.4,1,1.2.3.5,2,6,BENIGN\n")
    with pytest.raises(InputError, match="none of its 1 labels"):
        pcap.label_flows(file)


def test_features_by_netmls_names_and_as_a_model_needs_them(pcap: PCAP) -> None:
    pcap.flow2features("FFT-size", header=True)
    assert pcap.spec is not None
    assert (pcap.spec.feature, pcap.spec.fft, pcap.spec.header) == ("SIZE", True, True)
    pcap.flow2features(like=pcap.spec.__class__(
        feature="IAT", fft=False, header=False, packets=5, interval=1.0, sampling=None,
    ))  # fmt: skip
    assert pcap.features.shape == (FLOWS, 4)


def test_the_interval_may_be_given_and_the_last_part_kept() -> None:
    short = PCAP(SMALL, flow_pkts_thres=3, last="keep")
    short.pcap2flows(interval=0.01)
    assert short.interval == 0.01
    assert short.flows.counts().min() >= 3
    dropped = PCAP(SMALL, flow_pkts_thres=3)
    dropped.pcap2flows(interval=0.01)
    assert len(dropped.flows) < len(short.flows)


def test_the_spec_tells_how_flows_were_chosen() -> None:
    made = PCAP(SMALL, flow_pkts_thres=3)
    made.pcap2flows(q_interval=0.5, tcp_timeout=90, udp_timeout=30)
    made.flow2features("IAT")
    assert made.spec is not None
    assert (made.spec.q, made.spec.timeouts, made.spec.min_packets) == (0.5, (90.0, 30.0), 3)
    assert (made.spec.interval, made.spec.last) == (made.interval, "drop")
    assert made.flows.counts().min() >= 3


def test_a_step_that_is_done_again_leaves_nothing_of_those_behind_it(pcap: PCAP) -> None:
    pcap.label_flows(label=1)
    pcap.flow2features("IAT")
    pcap.label_flows(label=0)
    assert pcap.spec is None
    with pytest.raises(OptionError, match="flow2features"):
        _ = pcap.features
    pcap.flow2features("IAT")
    pcap.pcap2flows(interval=0.01)
    assert pcap.spec is None
    assert pcap.labels is None
    with pytest.raises(OptionError, match="flow2features"):
        _ = pcap.features


def test_steps_out_of_order_are_told() -> None:
    made = PCAP(SMALL)
    with pytest.raises(OptionError, match="pcap2flows"):
        _ = made.flows
    with pytest.raises(OptionError, match="flow2features"):
        _ = made.features
    with pytest.raises(OptionError, match="pcap2flows"):
        made.flow2features("IAT")


def test_a_capture_without_flows_is_told(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(f.pcap(f.udp_frame(1)))
    with pytest.raises(InputError, match="no TCP or UDP flow"):
        PCAP(path).pcap2flows()


def test_flows_of_too_few_packets_have_no_part_in_the_interval(tmp_path: Path) -> None:
    path = tmp_path / "two.pcap"
    long = [f.udp_frame(t, sport=1) for t in (0, 90)]
    short = [f.udp_frame(t, sport=2) for t in (0, 1, 2)]
    path.write_bytes(f.pcap(*sorted(long + short)))
    made = PCAP(path, flow_pkts_thres=3)
    made.pcap2flows()
    assert (made.interval, len(made.flows)) == (2.0, 1)
