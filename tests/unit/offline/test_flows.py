from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plugin.errors import CaptureError, OptionError
from plugin.flows.cut import cut
from plugin.flows.features import matrix
from plugin.flows.spec import plan
from plugin.offline.flows import flows_of, read_flows
from tests import frames as f
from tests.flowing import same

DATA = Path(__file__).resolve().parents[2] / "data"
SMALL = DATA / "netml" / "small.pcap.xz"


def capture(path: Path, *times: float, back: tuple[float, ...] = ()) -> Path:
    frames = [f.tcp_frame(t) for t in times] + [f.tcp_frame(t, back=True) for t in back]
    path.write_bytes(f.pcap(*sorted(frames)))
    return path


@pytest.mark.usefixtures("core")
def test_flows_have_addresses_of_the_captures_devices(tmp_path: Path) -> None:
    found = read_flows([capture(tmp_path / "a.pcap", 1, 2, 3, back=(1.5, 2.5))])
    assert found.flows.counts().tolist() == [3, 2]
    assert found.macs["mac"][found.flows.keys["src_mac"]].tolist() == [list(f.A), list(f.B)]
    assert found.macs["mac"][found.flows.keys["dst_mac"]].tolist() == [list(f.B), list(f.A)]
    assert found.totals.packets == 5
    assert found.problems == ()


def test_a_flow_goes_on_in_the_next_capture_unless_it_was_idle(tmp_path: Path) -> None:
    captures = [
        capture(tmp_path / "a.pcap", 1, 2),
        capture(tmp_path / "b.pcap", 3, 900),
        capture(tmp_path / "c.pcap", 901),
    ]
    assert read_flows(captures).flows.counts().tolist() == [3, 2]
    assert read_flows([tmp_path]).flows.counts().tolist() == [3, 2]
    assert read_flows(captures, last="drop").flows.counts().tolist() == [3]
    assert read_flows(captures, timeouts=(1e6, 1.0)).flows.counts().tolist() == [5]
    assert read_flows(captures, min_packets=3).flows.counts().tolist() == [3]
    with pytest.raises(OptionError):
        read_flows(captures, min_packets=1)


def test_the_length_on_the_wire_counts_not_the_captured(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    frames = (f.tcp_frame(t, payload=bytes(500)) for t in (1, 2))
    path.write_bytes(f.pcap(*(f.Frame(one.time, one.data[:60], len(one.data)) for one in frames)))
    assert read_flows([path]).flows.size.tolist() == [554, 554]


def test_ipv6_has_flows_like_others(tmp_path: Path) -> None:
    path, data = tmp_path / "six.pcap", f.ethernet(f.ipv6(f.udp(9, 53), 17), 0x86DD)
    path.write_bytes(f.pcap(*(f.Frame(n * f.SECOND, data) for n in (1, 2))))
    found = read_flows([path]).flows
    assert found.counts().tolist() == [2]
    assert found.keys["src_ip"][0].tobytes() == f.IP6_A


def test_a_torn_capture_is_read_to_its_tear_and_no_capture_is_an_error(tmp_path: Path) -> None:
    whole = capture(tmp_path / "a.pcap", 1, 2, 3)
    torn = tmp_path / "torn.pcap"
    torn.write_bytes(whole.read_bytes()[:-9])
    found = read_flows([torn, whole])
    assert found.flows.counts().tolist() == [5]
    (problem,) = found.problems
    assert problem.cut_short
    none = tmp_path / "none.pcap"
    none.write_bytes(b"nonsense" * 9)
    with pytest.raises(CaptureError, match=r"none.pcap: byte 0: not a pcap"):
        read_flows([whole, none])
    with pytest.raises(CaptureError, match=r"missing"):
        read_flows([tmp_path / "missing.pcap"])


def test_an_empty_capture_has_no_flows(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(f.pcap())
    found = read_flows([path])
    assert len(found.flows) == found.totals.packets == 0


def test_a_models_flows_are_cut_as_the_model_says() -> None:
    whole = read_flows([SMALL], last="drop").flows
    parts = cut(whole, 2.0, 3, "drop")
    spec = plan(parts, "IAT", interval=2.0, min_packets=3, last="drop")
    seen: list[int] = []
    again = flows_of([SMALL], spec, progress=seen.append)
    assert same(
        again.flows, cut(read_flows([SMALL], min_packets=3, last="drop").flows, 2.0, 3, "drop")
    )
    assert np.isfinite(matrix(again.flows, spec)).all()
    assert seen
