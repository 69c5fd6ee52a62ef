"""One device's own capture: judged, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugin.errors import CaptureError
from plugin.ml.verdict import FINDINGS_MAX, Verdict
from plugin.offline.classify import DEFAULTS, Options
from plugin.offline.judge import judge_capture
from tests import attacks
from tests import frames as f
from tests.models import tiny_net

PRINTER = Path(__file__).parents[2] / "data" / "captures" / "airprint_printer4.pcap"
NET = tiny_net(("A", "B", "C", "D"))
JUDGED = Options(behaviours=DEFAULTS)


def judged(path: Path, options: Options, mac: str | None, **more: Any) -> Verdict:
    """The verdict, where there must be one."""
    one = judge_capture(path, [NET], options, mac, **more)
    assert one is not None
    return one


def written(path: Path, *frames: f.Frame) -> Path:
    path.write_bytes(f.pcap(*frames))
    return path


def test_one_device_of_its_own_capture_is_judged(tmp_path: Path) -> None:
    trace = written(tmp_path / "trace_1_2.pcap", *attacks.horizontal())
    missed = ("2 frames were missed",)
    one = judged(trace, JUDGED, attacks.BAD_TEXT, warnings=missed)
    assert (one.mac, one.source) == (attacks.BAD_TEXT, str(trace))
    assert one.anomaly is not None
    assert [finding.name for finding in one.anomaly.behaviour] == ["horizontal-scan"]
    assert one.warnings[-1:] == missed
    other = judged(trace, JUDGED, f.A.hex(":"))
    assert other.anomaly is not None
    assert other.anomaly.behaviour == ()  # what others do is theirs
    assert judged(trace, Options(), attacks.BAD_TEXT).anomaly is None
    assert judged(trace, JUDGED, None).mac == attacks.BAD_TEXT  # every frame names it


def test_what_cannot_be_judged_says_why(tmp_path: Path) -> None:
    good = f.pcap(*attacks.horizontal())
    for name, data, why in (
        ("none", b"no capture at all", "not a pcap"),
        ("first", good[:50], "before it is cut short"),
    ):
        path = tmp_path / f"{name}.pcap"
        path.write_bytes(data)
        with pytest.raises(CaptureError, match=rf"{name}\.pcap: .*{why}"):
            judge_capture(path, [NET], JUDGED, attacks.BAD_TEXT)
    with pytest.raises(CaptureError, match="cannot be read"):
        judge_capture(tmp_path / "gone.pcap", [NET], JUDGED, attacks.BAD_TEXT)


def test_of_a_device_that_sent_nothing_nothing_is_said(tmp_path: Path) -> None:
    assert judge_capture(PRINTER, [NET], JUDGED, "00:00:00:00:00:01") is None
    for name, size in (("empty", 0), ("header", 24)):
        path = tmp_path / f"{name}.pcap"
        path.write_bytes(f.pcap(*attacks.horizontal())[:size])
        assert judge_capture(path, [NET], JUDGED, attacks.BAD_TEXT) is None


def test_of_a_torn_capture_the_readable_part_is_judged(tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcap"
    torn.write_bytes(f.pcap(*attacks.horizontal())[:-10])
    one = judged(torn, JUDGED, attacks.BAD_TEXT)
    assert one.anomaly is not None
    assert one.warnings[-1].startswith("the capture is damaged or cut short")


def test_a_router_may_not_have_done_it_itself(tmp_path: Path) -> None:
    passed = []
    for i in range(1, 13):  # asked by another, answered through it
        outside, port = bytes((203, 0, 113, i)), 4_000 + i
        asks = f.ipv4(f.udp(port, 53), 17, f.IP_A, outside)
        answers = f.ipv4(f.udp(53, port), 17, outside, f.IP_A)
        passed += [
            f.Frame(attacks.at(50 + i), f.ethernet(asks, src=f.A, dst=attacks.BAD)),
            f.Frame(attacks.at(50.5 + i), f.ethernet(answers, src=attacks.BAD, dst=f.A)),
        ]
    trace = written(tmp_path / "x.pcap", *attacks.horizontal(), *passed)
    one = judged(trace, JUDGED, attacks.BAD_TEXT)
    assert one.anomaly is not None
    assert one.anomaly.verdict == "anomalous"
    assert one.warnings[-1].startswith("stands for other devices")
    good = written(tmp_path / "y.pcap", *attacks.horizontal(5), *passed)
    quiet = judged(good, JUDGED, attacks.BAD_TEXT)
    assert not any(said.startswith("stands for") for said in quiet.warnings)


def test_too_many_findings_are_counted(tmp_path: Path) -> None:
    frames = []
    for number in range(FINDINGS_MAX + 3):
        shift = number * 100 * f.SECOND
        for frame in attacks.guesses(30, 22):
            data = frame.data.replace(f.IP_B, attacks.host(number))
            frames.append(frame._replace(time=frame.time + shift, data=data))
    trace = written(tmp_path / "x.pcap", *frames)
    one = judged(trace, JUDGED, attacks.BAD_TEXT)
    assert one.anomaly is not None
    assert len(one.anomaly.behaviour) == FINDINGS_MAX
    assert one.warnings[-1] == "3 further findings are not told"
