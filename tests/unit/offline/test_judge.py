"""One device's own capture: judged, or the reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import CaptureError
from plugin.ml.verdict import FINDINGS_MAX
from plugin.offline.classify import DEFAULTS, Options
from plugin.offline.judge import judge_capture
from tests import attacks
from tests import frames as f
from tests.models import tiny_net

PRINTER = Path(__file__).parents[2] / "data" / "captures" / "airprint_printer4.pcap"
NET = tiny_net(("A", "B", "C", "D"))
JUDGED = Options(behaviours=DEFAULTS)


def written(path: Path, *frames: f.Frame) -> Path:
    path.write_bytes(f.pcap(*frames))
    return path


def test_one_device_of_its_own_capture_is_judged(tmp_path: Path) -> None:
    trace = written(tmp_path / "trace_1_2.pcap", *attacks.horizontal())
    missed = ("2 frames were missed",)
    one = judge_capture(trace, [NET], JUDGED, attacks.BAD_TEXT, warnings=missed)
    assert (one.mac, one.source) == (attacks.BAD_TEXT, str(trace))
    assert one.anomaly is not None
    assert [finding.name for finding in one.anomaly.behaviour] == ["horizontal-scan"]
    assert one.warnings[-1:] == missed
    other = judge_capture(trace, [NET], JUDGED, f.A.hex(":"))
    assert other.anomaly is not None
    assert other.anomaly.behaviour == ()  # what others do is theirs
    assert judge_capture(trace, [NET], Options(), attacks.BAD_TEXT).anomaly is None


def test_what_cannot_be_judged_says_why(tmp_path: Path) -> None:
    good = f.pcap(*attacks.horizontal())
    for name, data, why in (
        ("empty", b"", f"holds no frame that {attacks.BAD_TEXT} sent"),
        ("none", b"no capture at all", "not a pcap"),
        ("header", good[:24], f"holds no frame that {attacks.BAD_TEXT} sent"),
        ("first", good[:50], "before it is cut short"),
    ):
        path = tmp_path / f"{name}.pcap"
        path.write_bytes(data)
        with pytest.raises(CaptureError, match=rf"{name}\.pcap: .*{why}"):
            judge_capture(path, [NET], JUDGED, attacks.BAD_TEXT)
    with pytest.raises(CaptureError, match="cannot be read"):
        judge_capture(tmp_path / "gone.pcap", [NET], JUDGED, attacks.BAD_TEXT)
    with pytest.raises(CaptureError, match="holds no frame that 00:00:00:00:00:01 sent"):
        judge_capture(PRINTER, [NET], JUDGED, "00:00:00:00:00:01")


def test_of_a_torn_capture_the_readable_part_is_judged(tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcap"
    torn.write_bytes(f.pcap(*attacks.horizontal())[:-10])
    one = judge_capture(torn, [NET], JUDGED, attacks.BAD_TEXT)
    assert one.anomaly is not None
    assert one.warnings[-1].startswith("the capture is damaged or cut short")


def test_too_many_findings_are_counted(tmp_path: Path) -> None:
    frames = []
    for number in range(FINDINGS_MAX + 3):
        shift = number * 100 * f.SECOND
        for frame in attacks.guesses(30, 22):
            data = frame.data.replace(f.IP_B, attacks.host(number))
            frames.append(frame._replace(time=frame.time + shift, data=data))
    trace = written(tmp_path / "x.pcap", *frames)
    one = judge_capture(trace, [NET], JUDGED, attacks.BAD_TEXT)
    assert one.anomaly is not None
    assert len(one.anomaly.behaviour) == FINDINGS_MAX
    assert one.warnings[-1] == "3 further findings are not told"
