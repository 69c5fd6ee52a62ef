from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plugin.errors import CaptureError, InputError, OptionError
from plugin.offline.flow_learning import Input, Wanted, extract, rows_of, together
from plugin.offline.flows import read_flows
from tests import frames as f
from tests.netml_files import COLUMNS, DNS, FLOWS, HEADER, SMALL, write_labels

NETML = Wanted(last="drop")


def test_it_gives_what_netml_gives(tmp_path: Path) -> None:
    found = extract([Input(SMALL, write_labels(tmp_path / "l.csv"))], NETML)
    assert found.features.shape == (FLOWS, COLUMNS)
    assert found.labels is not None
    assert found.labels.sum() == DNS
    assert ((found.rows["dst_port"] == 53) == (found.labels == 1)).all()
    assert found.captures == (str(SMALL),)


def test_rows_tell_whose_they_are() -> None:
    found = extract([Input(SMALL)], NETML)
    assert found.labels is None
    row = found.rows[0]
    assert row["mac"].tobytes().hex(":") == "b8:ac:6f:36:0a:8b"
    assert (found.rows["end"] >= found.rows["begin"]).all()
    assert (found.rows["packets"] >= 2).all()
    assert (found.rows["bytes"] > found.rows["packets"]).all()


def test_several_captures_share_one_interval_and_one_width(tmp_path: Path) -> None:
    """netml measures each by itself, and cannot join what has different widths."""
    other = tmp_path / "other.pcap"
    other.write_bytes(f.pcap(*(f.tcp_frame(k / 10, f.ACK) for k in range(50))))
    found = extract([Input(SMALL, None, 0), Input(other, None, 1)], NETML)
    assert found.labels is not None
    assert found.labels.tolist() == [0] * (len(found.labels) - 1) + [1]
    assert found.rows["capture"].tolist() == found.labels.tolist()
    alone = extract([Input(SMALL)], NETML)
    assert found.spec.interval != alone.spec.interval
    assert found.features.shape == (len(found.labels), found.spec.dimension)


def test_options_reach_the_features() -> None:
    wanted = Wanted("SAMP_SIZE", fft=True, header=True, interval=0.5, sampling=0.25, min_packets=4)
    spec = extract([Input(SMALL)], wanted).spec
    assert (spec.feature, spec.fft, spec.header) == ("SAMP_SIZE", True, True)
    assert (spec.interval, spec.sampling, spec.min_packets) == (0.5, 0.25, 4)


def test_flows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "l.csv")
    lines = labels.read_text().splitlines(keepends=True)
    labels.write_text("".join([HEADER, *(line for line in lines if ",53,17," in line)]))
    said: list[str] = []
    found = extract([Input(SMALL, labels)], NETML, warn=said.append)
    assert len(found.features) == DNS
    assert said == [f"{FLOWS - DNS} of {FLOWS} flows have no label and are left out"]


def test_labels_that_match_nothing(tmp_path: Path) -> None:
    labels = tmp_path / "l.csv"
    labels.write_text(f"{HEADER}0,1.1.1.1,1,2.2.2.2,2,6,BENIGN\n")
    with pytest.raises(InputError, match="none of its 1 labels"):
        extract([Input(SMALL, labels)], NETML)


def test_labels_of_some_captures_only() -> None:
    with pytest.raises(OptionError, match="no labels, and others have"):
        extract([Input(SMALL, None, 0), Input(SMALL)], NETML)


@pytest.mark.parametrize(
    ("frames", "said"), [((), "has no packets"), ((f.udp_frame(1),), "no TCP or UDP flow")]
)
def test_captures_without_flows(tmp_path: Path, frames: tuple[f.Frame, ...], said: str) -> None:
    path = tmp_path / "few.pcap"
    path.write_bytes(f.pcap(*frames))
    with pytest.raises(InputError, match=said):
        extract([Input(path)])


def test_a_torn_capture_is_told_and_a_foreign_file_refused(tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcap"
    torn.write_bytes(f.pcap(*(f.tcp_frame(k / 10, f.ACK) for k in range(9)))[:-5])
    said: list[str] = []
    assert len(extract([Input(torn)], warn=said.append).features) == 1
    assert "torn.pcap" in said[0]
    torn.write_bytes(b"hello, world, this is no capture")
    with pytest.raises(CaptureError):
        extract([Input(torn)])


def test_flows_of_two_captures_stay_whole() -> None:
    read = read_flows([SMALL])
    both = together([read.flows, read.flows.take(np.array([1, 0]))])
    n = len(read.flows)
    assert len(both) == n + 2
    assert both.counts()[n:].tolist() == read.flows.counts()[[1, 0]].tolist()
    assert both.time[both.starts[n]] == read.flows.time[read.flows.starts[1]]
    rows = rows_of(both, read.macs, 3)
    assert set(rows["capture"].tolist()) == {3}
    assert rows_of(both.take(np.zeros(0, np.int64)), read.macs).shape == (0,)
